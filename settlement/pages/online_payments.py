"""Paying by card, at a convenience store, with a saved card; and what accountants of the exchange see of it."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from exchange import clock
from exchange.web.access import me, operator, signed_in
from exchange.web.forms import attempt
from settlement import actions, queries, rules, stripe_gateway
from settlement.pages import blueprint
from settlement.pages.forms import CardForm


def _language() -> str:
    return str(get_locale())


@blueprint.post("/desk/invoices/<invoice_id>/checkout")
@signed_in("owner", "accountant")
def checkout(invoice_id: str) -> Any:
    """Lead the buyer to the page where the invoice is paid."""
    return redirect(actions.begin_checkout(invoice_id, by=me(), language=_language(), at=clock.now()), 303)


@blueprint.post("/desk/contracts/<contract_id>/card")
@signed_in("owner", "accountant")
def authorize_card(contract_id: str) -> Any:
    """Lead the buyer to the page where a card is authorized for a contract that still waits."""
    return redirect(actions.begin_authorization(contract_id, by=me(), language=_language(), at=clock.now()), 303)


@blueprint.post("/desk/contracts/<contract_id>/card/release")
@signed_in("owner", "accountant")
def release_card(contract_id: str) -> Any:
    """The buyer wants its card free again."""
    actions.release_authorization(contract_id, by=me(), at=clock.now())
    flash(_("カードの与信枠の解放を受け付けました。"), "success")
    return redirect(f"/desk/contracts/{contract_id}#card", 303)


@blueprint.route("/desk/payment-card", methods=["GET", "POST"])
@signed_in("owner", "accountant")
def payment_card() -> Any:
    """The card that pays monthly invoices: leave one with consent, or take the consent back."""
    form = CardForm()
    if form.validate_on_submit():
        with attempt(form) as tried:
            url = actions.begin_saving_card(
                by=me(), consents=bool(form.consents.data), language=_language(), at=clock.now()
            )
        if tried.ok:
            return redirect(url, 303)
    page = render_template(
        "settlement/payment_card.html",
        form=form,
        card=queries.saved_card(me().organization_id),
        is_on=stripe_gateway.is_on(),
        days=rules.CARD_DAYS_BEFORE_DUE,
    )
    return page, 422 if form.errors else 200


@blueprint.post("/desk/payment-card/withdraw")
@signed_in("owner", "accountant")
def withdraw_card() -> Any:
    """The organization takes its consent back."""
    actions.withdraw_card(by=me(), at=clock.now())
    flash(_("カードの登録を取り消しました。今後の請求書は、請求書ごとにお支払いください。"), "success")
    return redirect(url_for("settlement.payment_card"), 303)


@blueprint.get("/desk/ledger/online")
@operator("finance")
def online_payments() -> Any:
    """Objections that need an answer, refunds to send by hand, payments, and whether Stripe's balance is the books'."""
    return render_template(
        "settlement/online_payments.html",
        disputes=queries.payment_disputes(),
        failed=queries.failed_refunds(),
        payments=queries.online_payments(),
        refunds=queries.online_refunds(),
        authorizations=queries.card_authorizations(),
        authorization_states=rules.AUTHORIZATION_STATES,
        standing=queries.stripe_standing(),
        is_on=stripe_gateway.is_on(),
        methods=rules.ONLINE_METHODS,
        states=rules.ONLINE_STATES,
        refund_states=rules.ONLINE_REFUND_STATES,
        dispute_states=rules.DISPUTE_STATES,
    )


@blueprint.post("/desk/ledger/online/refunds/<refund_id>/sent")
@operator("finance")
def failed_refund_sent(refund_id: str) -> Any:
    """A refund that failed at Stripe was sent to the payer's account."""
    actions.record_failed_refund_sent(refund_id, by=me(), at=clock.now())
    flash(_("返金を記録しました。"), "success")
    return redirect(url_for("settlement.online_payments"), 303)
