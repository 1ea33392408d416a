"""Timed and queued work of settlement. Each piece is one call, safe to run twice."""

from datetime import datetime
from typing import Any

from exchange.errors import N_, text
from exchange.jobs import handler, periodic
from settlement import actions, ledger, sealing, stripe_gateway


@periodic("issue-invoices", seconds=1, title=text(N_("成立した契約の請求書を発行する")))
def issue_invoices(*, at: datetime) -> None:
    """One-off prices are invoiced when their contracts become active."""
    actions.issue_what_is_due(at=at)


@periodic("bank-deadlines", seconds=3600, title=text(N_("返金と支払いの期限を知らせる")))
def bank_deadlines(*, at: datetime) -> None:
    """Unapplied money must go back and providers' money must leave by a date; accountants hear of it in time."""
    actions.remind_of_unapplied(at=at)
    actions.warn_of_deadlines(at=at)


@periodic("seal-ledger", seconds=2, title=text(N_("仕訳の封印")))
def seal_ledger(*, at: datetime) -> None:
    """Give new entries their place in the ledger's hash chain."""
    sealing.seal()


@periodic("expire-holds", seconds=10, title=text(N_("期限を過ぎた保留の解除")))
def expire_holds(*, at: datetime) -> None:
    """Release amounts that were set aside until now."""
    ledger.expire_holds(at=at)


@periodic("verify-ledger", seconds=600, title=text(N_("会計帳簿の検証")))
def verify_ledger(*, at: datetime) -> None:
    """Prove the books once a night."""
    sealing.prove_nightly(at=at)


@handler("close-month")
def close_month(payload: dict[str, Any], *, at: datetime) -> None:
    """The next step of closing a month; it queues the one after it."""
    after = payload["after"]
    how = {name: bool(payload[name]) for name in ("waits", "told") if name in payload}
    pair = (after[0], after[1]) if isinstance(after, list) else None
    actions.continue_close(payload["month"], after=pair, at=at, **how)


@handler("print-invoice")
def print_invoice(payload: dict[str, Any], *, at: datetime) -> None:
    """Fix an invoice's PDF."""
    actions.print_invoice(payload["invoice_id"])


@handler("print-assessment")
def print_assessment(payload: dict[str, Any], *, at: datetime) -> None:
    """Fix the PDF of a municipality's sheet."""
    actions.print_assessment(payload["assessment_id"])


@handler("print-correction")
def print_correction(payload: dict[str, Any], *, at: datetime) -> None:
    """Fix the PDF of a corrected invoice."""
    actions.print_correction(payload["correction_id"])


@periodic("remind-of-invoices", seconds=600, title=text(N_("請求書の支払期限を知らせ、滞納による停止を行う")))
def remind_of_invoices(*, at: datetime) -> None:
    """Words before and after the due date, the stop of delivery after the grace period, and sellers' own invoices."""
    actions.remind(at=at)
    actions.remind_of_own_invoices(at=at)


@handler("print-credit-note")
def print_credit_note(payload: dict[str, Any], *, at: datetime) -> None:
    """Fix a credit note's PDF."""
    actions.print_credit_note(payload["credit_note_id"])


@handler("print-payout")
def print_payout(payload: dict[str, Any], *, at: datetime) -> None:
    """Fix the PDF of a payout's statement."""
    actions.print_payout(payload["payout_id"])


# ---- payment through Stripe


@periodic("stripe-reconciliation", seconds=3600, title=text(N_("決済代行会社の記録と帳簿を照合する")))
def reconcile(*, at: datetime) -> None:
    """What webhooks missed, what a crash interrupted, fees, and whether the balance is what the books say."""
    actions.reconcile(at=at)


@periodic("stripe-pages", seconds=60, title=text(N_("不要になった支払画面を閉じる")))
def close_needless_pages(*, at: datetime) -> None:
    """Pages of invoices that were paid otherwise are closed, so that nobody pays twice."""
    actions.close_needless_pages(at=at)


@periodic("saved-cards", seconds=3600, title=text(N_("登録されたカードで毎月の請求書を支払う")))
def charge_saved_cards(*, at: datetime) -> None:
    """A week before monthly invoices are due."""
    actions.charge_saved_cards(at=at)


@periodic("card-authorizations", seconds=5, title=text(N_("カードの与信枠を、契約の成立・不成立に応じて処理する")))
def settle_authorizations(*, at: datetime) -> None:
    """Captured once the contract is active, released where it came to nothing."""
    actions.settle_authorizations(at=at)


@handler("stripe-authorization")
def look_at_authorization(payload: dict[str, Any], *, at: datetime) -> None:
    """Ask how an authorized card stands, or release it."""
    actions.look_at_authorization(payload["authorization_id"], at=at)


@handler("stripe-event")
def handle_event(payload: dict[str, Any], *, at: datetime) -> None:
    """Look into what an event is about."""
    actions.handle_event(payload["event_id"], at=at)


@handler("stripe-payment")
def look_at_payment(payload: dict[str, Any], *, at: datetime) -> None:
    """Ask how a payment stands, or begin it."""
    actions.look_at_payment(payload["payment_id"], at=at)


@handler("stripe-card")
def look_at_card(payload: dict[str, Any], *, at: datetime) -> None:
    """Ask whether a card was left."""
    actions.look_at_card(payload["card_id"], at=at)


@handler("stripe-forget-card")
def forget_card(payload: dict[str, Any], *, at: datetime) -> None:
    """Have Stripe forget a card whose consent was withdrawn."""
    stripe_gateway.forget_card(payload["method_id"])


@handler("stripe-refund")
def send_online_refund(payload: dict[str, Any], *, at: datetime) -> None:
    """Send money back the way it came, or ask how that stands."""
    actions.send_online_refund(payload["refund_id"], at=at)


@handler("stripe-dispute")
def look_at_dispute(payload: dict[str, Any], *, at: datetime) -> None:
    """Ask how an objection stands."""
    actions.look_at_dispute(payload["dispute_id"], at=at)


@handler("stripe-balance")
def look_at_balance(payload: dict[str, Any], *, at: datetime) -> None:
    """Book fees and payouts of the balance at Stripe, and compare."""
    actions.look_at_balance(datetime.fromisoformat(payload["since"]), at=at)
