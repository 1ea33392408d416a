"""Where does it stand, whose turn is it? A member's contracts, and what they may do with each."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import DateField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired, Optional

from contracts import actions, guideline, queries, rules
from contracts.models import Contract
from contracts.pages import fields, shown
from exchange import clock
from exchange.errors import NotFound, WrongState, text
from exchange.web.access import me, signed_in
from exchange.web.forms import Form, attempt

blueprint = Blueprint("deals", __name__, url_prefix="/desk/contracts")
GROUPS = {
    "open": ("requested", "countered", "accepted"),
    "running": ("active", "suspended"),
    "over": ("terminated", "declined", "rejected", "expired", "ended"),
}
GROUP_TITLES = {"": text("すべて"), "open": text("手続き中"), "running": text("契約中"), "over": text("終了")}


@blueprint.get("")
@signed_in()
def index() -> Any:
    """One's own contracts, the newest first, by where they stand."""
    group = request.args.get("group", "")
    group = group if group in GROUPS else ""
    page = queries.contracts_seen_by(me(), states=GROUPS.get(group, ()), cursor=request.args.get("cursor"))
    return render_template(
        "contracts/index.html",
        contracts=[(c, shown.price(c.pricing), shown.state_label(c), rules.side_of(me(), c)) for c in page.items],
        page=page,
        group=group,
        groups=GROUP_TITLES,
        waiting={c.id for c in queries.contracts_waiting_for(me())},
    )


@blueprint.get("/<contract_id>")
@signed_in()
def show(contract_id: str) -> Any:
    """State in a sentence, steps, parties, key terms, document, files with usage and cost, timeline."""
    contract = queries.contract_seen_by(me(), contract_id)
    side, content = rules.side_of(me(), contract), shown.contract_content(contract)
    allowed = rules.allowed(me(), contract)
    title, kind = shown.state_label(contract)
    return render_template(
        "contracts/show.html",
        contract=contract,
        side=side,
        state=title,
        kind=kind,
        sentence=shown.sentence(contract, side),
        allowed=allowed,
        deeds=[(deed, DEEDS[deed].button) for deed in allowed if deed in DEEDS],
        main=next((deed for deed in ("accept", "approve") if deed in allowed), None),
        steps=shown.steps(contract),
        timeline=shown.timeline(contract),
        terms=shown.key_terms(contract, content),
        deviations=shown.deviations(content),
        changes=_last_changes(contract),
        price=shown.price(contract.pricing),
        template=guideline.template(contract.template_key),
        said=shown.said,
    )


def _last_changes(contract: Contract) -> list[tuple[str, str, str]]:
    if contract.version < 2:
        return []
    return shown.changes(queries.round_of(contract, contract.version - 1), queries.round_of(contract))


@blueprint.get("/<contract_id>/document")
@signed_in()
def document(contract_id: str) -> Response:
    """The document as a page."""
    return Response(queries.document(queries.contract_seen_by(me(), contract_id), "text/html"), mimetype="text/html")


@blueprint.get("/<contract_id>/document.pdf")
@signed_in()
def document_pdf(contract_id: str) -> Response:
    """The document as PDF."""
    body = queries.document(queries.contract_seen_by(me(), contract_id), "application/pdf")
    return Response(body, mimetype="application/pdf")


# ── deeds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class AcceptForm(Form):
    """The version accepted, and what a public body writes on its approval."""

    version = HiddenField()
    approval_reference = StringField(
        text("決裁番号"), description=text("自治体など、内部の決裁を経る組織の場合"), validators=[fields.longest(100)]
    )
    approved_on = DateField(text("決裁日"), validators=[Optional()])
    signatory = StringField(text("契約担当者"), validators=[fields.longest(100)])


class ReasonForm(Form):
    """Why."""

    reason = TextAreaField(
        text("理由"),
        description=text("相手方に伝わります。"),
        validators=[DataRequired(text("理由を入力してください。")), fields.longest(1_000)],
    )


class TerminateForm(ReasonForm):
    """Why, and when."""

    when = RadioField(
        text("いつ解約しますか"),
        choices=[("now", text("いますぐ")), ("after_cure", text("是正の期間を置き、直らないときに解約する"))],
        default="now",
        validate_choice=False,
    )


class Deed:
    """One deed on its own page: form, words, action."""

    def __init__(
        self, form: type[Form], button: text, lead: text, run: Callable[[Contract, Any], Contract], *, kind: str
    ) -> None:
        self.form, self.button, self.lead, self.run, self.kind = form, button, lead, run, kind


def _accept(contract: Contract, form: Any) -> Contract:
    version = form.version.data
    return actions.accept(
        contract,
        version=int(version) if (version or "").isdigit() else None,
        approval_reference=form.approval_reference.data,
        approved_on=form.approved_on.data,
        signatory=form.signatory.data,
        remote=request.remote_addr,
        by=me(),
        at=clock.now(),
    )


def _decline(contract: Contract, form: Any) -> Contract:
    return actions.decline(contract, reason=form.reason.data, by=me(), at=clock.now())


def _suspend(contract: Contract, form: Any) -> Contract:
    return actions.suspend(contract, reason=form.reason.data, by=me(), at=clock.now())


def _resume(contract: Contract, form: Any) -> Contract:
    return actions.resume(contract, reason=form.reason.data, by=me(), at=clock.now())


def _terminate(contract: Contract, form: Any) -> Contract:
    when = form.when.data or "now"
    return actions.terminate(contract, reason=form.reason.data, when=when, by=me(), at=clock.now())


DEEDS: dict[str, Deed] = {
    "accept": Deed(
        AcceptForm,
        text("承諾する"),
        text("この条件で合意します。運営者が承認すると契約が成立し、取り消せません。"),
        _accept,
        kind="primary",
    ),
    "decline": Deed(
        ReasonForm, text("辞退する"), text("この申込みを終わりにします。元に戻せません。"), _decline, kind="danger"
    ),
    "suspend": Deed(
        ReasonForm,
        text("停止する"),
        text("データの引渡しをすぐに止めます。再開できるのは、停止した側だけです。"),
        _suspend,
        kind="danger",
    ),
    "resume": Deed(ReasonForm, text("再開する"), text("データの引渡しを再開します。"), _resume, kind="primary"),
    "terminate": Deed(
        TerminateForm,
        text("解約する"),
        text("契約を終わらせます。それまでに生じた対価の支払いは残ります。元に戻せません。"),
        _terminate,
        kind="danger",
    ),
}


@blueprint.route("/<contract_id>/<any(accept, decline, suspend, resume, terminate):deed>", methods=["GET", "POST"])
@signed_in()
def act(contract_id: str, deed: str) -> Any:
    """A page that says what the deed means, with its form."""
    contract = queries.contract_seen_by(me(), contract_id)
    page = DEEDS[deed]
    why = rules.refusal(deed, me(), contract)
    if why is not None or deed not in rules.allowed(me(), contract):
        return _not_now(contract, why)
    form: Any = page.form(data={"version": str(contract.version), "when": "now"})
    if form.validate_on_submit():
        with attempt(form) as tried:
            page.run(contract, form)
        if tried.ok:
            return _back(contract)
        if isinstance(tried.refusal, WrongState):
            flash(str(tried.refusal.detail), "error")
            return _back(contract)
    content = shown.contract_content(contract)
    shown_page = render_template(
        "contracts/deed.html",
        form=form,
        contract=contract,
        deed=deed,
        page=page,
        terms=shown.key_terms(contract, content),
        deviations=shown.deviations(content),
    )
    return shown_page, 422 if form.errors else 200


def _not_now(contract: Contract, why: Any) -> Any:
    """Somebody was faster, or it is not theirs to do: say so where the contract stands."""
    flash(str(why) if why else _("いまはこの操作を行えません。現在の状態をご確認ください。"), "warning")
    return _back(contract)


def _back(contract: Contract) -> Any:
    return redirect(url_for("deals.show", contract_id=contract.id), 303)


class CounterForm(Form):
    """A word to the other side, beside the variables."""

    message = TextAreaField(
        text("相手への説明"),
        description=text("何をなぜ変えたいかを書いてください。"),
        validators=[DataRequired(text("相手への説明を入力してください。")), fields.longest(2_000)],
    )


@blueprint.route("/<contract_id>/counter", methods=["GET", "POST"])
@signed_in()
def counter(contract_id: str) -> Any:
    """Other terms: every variable as it stands, to be changed."""
    contract = queries.contract_seen_by(me(), contract_id)
    if "counter" not in rules.allowed(me(), contract):
        return _not_now(contract, rules.refusal("counter", me(), contract))
    template = guideline.template(contract.template_key)
    kind = fields.with_variables(CounterForm, template.variables)
    form: Any = kind(data=fields.standing_data(template.variables, contract.variables))
    if form.validate_on_submit():
        with attempt(form) as tried:
            changed = fields.chosen(form, template.variables, contract.variables)
            message = form.message.data
            actions.counter(
                contract, variables=changed, message=message, remote=request.remote_addr, by=me(), at=clock.now()
            )
        if tried.ok:
            flash(_("条件を提案しました。相手の回答をお待ちください。"), "success")
            return _back(contract)
    page = render_template(
        "contracts/counter.html",
        form=form,
        contract=contract,
        groups=[(clause, template.of_article(clause.article)) for clause in template.clauses],
        said=shown.said,
    )
    return page, 422 if form.errors else 200


@blueprint.get("/<contract_id>/versions/<int:version>")
@signed_in()
def version(contract_id: str, version: int) -> Any:
    """An earlier version beside the one on the table."""
    contract = queries.contract_seen_by(me(), contract_id)
    if not 1 <= version <= contract.version:
        raise NotFound()
    before = queries.round_of(contract, version)
    return render_template(
        "contracts/versions.html",
        contract=contract,
        before=before,
        changes=shown.changes(before, queries.round_of(contract)),
    )
