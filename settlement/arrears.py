"""Invoices that are not paid: words before and after the due date, each once, and delivery stopped and resumed.

An invoice is overdue by its due date alone; nothing is stored that could say otherwise. What happens on a day is a row:
`before`, `overdue`, `last`, `stopped`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.dialects import postgresql

from contracts import actions as contract_actions
from exchange import audit, clock, settings
from exchange.database import session
from exchange.errors import N_, Words, text
from exchange.identity.actions import Word, notify_each
from settlement import papers, rules
from settlement.models import Invoice, InvoiceLine, Reminder

AT_ONCE = 500
TITLES = {
    "before": N_("お支払期限が近づいています(%(number)s)"),
    "overdue": N_("お支払期限を過ぎています(%(number)s)"),
    "last": N_("まもなくデータの提供が停止されます(%(number)s)"),
    "stopped": N_("お支払いの遅れにより提供を停止しました(%(number)s)"),
}


@dataclass(frozen=True)
class Unpaid:
    """An unpaid invoice, what its buyer was told of it so far, and when it was last warned after the due date."""

    invoice: Invoice
    told: frozenset[str]
    warned_on: date | None


def unpaid(*, today: date) -> list[Unpaid]:
    """Invoices that are due within a week or overdue, and of which nothing has been stopped yet; the oldest first."""
    warned = func.min(Reminder.at).filter(Reminder.kind.in_(("overdue", "last")))
    told = func.coalesce(func.array_agg(Reminder.kind).filter(Reminder.kind.is_not(None)), [])
    query = select(Invoice, told, warned).outerjoin(Reminder, Reminder.invoice_id == Invoice.id)
    query = query.where(Invoice.state == "issued", Invoice.due_on <= today + timedelta(rules.REMIND_BEFORE_DAYS))
    query = query.group_by(Invoice.id).having(func.count().filter(Reminder.kind == "stopped") == 0)
    rows = session.execute(query.order_by(Invoice.due_on, Invoice.id).limit(AT_ONCE))
    return [Unpaid(row[0], frozenset(row[1]), clock.day_of(row[2]) if row[2] else None) for row in rows]


def remind(*, at: datetime) -> int:
    """Tell each buyer what is to be told today, and stop what is to be stopped; how many invoices that were."""
    today, grace = clock.day_of(at), settings.current().grace_days
    due = []
    for each in unpaid(today=today):
        kind = rules.word_due(due_on=each.invoice.payable_by, grace_days=grace, today=today, warned_on=each.warned_on)
        if kind and kind not in each.told and not (kind == "stopped" and each.invoice.kind == "fee"):
            due.append((kind, each.invoice))
    if due:
        session.execute(insert(Reminder), [{"invoice_id": i.id, "kind": kind, "at": at} for kind, i in due])
        subjects = [(f"invoice/{i.id}", i.recipient_id, {"word": kind, "number": i.number}) for kind, i in due]
        audit.record_each("invoice.remind", subjects, actor=None, at=at)
        notify_each([_word(kind, i, grace) for kind, i in due], roles=papers.MONEY_ROLES, at=at)
    _stop([invoice for kind, invoice in due if kind == "stopped"], at)
    return len(due)


def _word(kind: str, invoice: Invoice, grace_days: int) -> Word:
    title = text(TITLES[kind], number=invoice.number)
    return Word(invoice.recipient_id, title, _body(kind, invoice, grace_days), f"/desk/invoices/{invoice.id}")


def _body(kind: str, invoice: Invoice, grace_days: int) -> Words:
    stop = rules.stops_on(invoice.payable_by, grace_days)
    said = {"number": invoice.number, "due_jpy": f"{invoice.due_jpy:,}", "due": clock.words(invoice.payable_by)}
    if kind == "before":
        return text("請求書 %(number)s のお支払期限は%(due)sです。残額は%(due_jpy)s円です。", **said)
    if kind == "stopped":
        return text(
            "請求書 %(number)s の残額%(due_jpy)s円の入金を確認できないため、データの提供を停止しました。入金を確認すると自動で再開します。",
            **said,
        )
    if invoice.kind == "fee":
        return text("請求書 %(number)s のお支払期限(%(due)s)を過ぎています。残額は%(due_jpy)s円です。", **said)
    return text(
        "請求書 %(number)s のお支払期限(%(due)s)を過ぎています。残額は%(due_jpy)s円です。入金を確認できないときは、%(stop)s以降にデータの提供を停止します。",
        stop=clock.words(stop),
        **said,
    )


def _stop(invoices: Sequence[Invoice], at: datetime) -> None:
    contracts = contracts_on([invoice.id for invoice in invoices])
    for invoice in invoices:  # rare, and each contract takes its own lock
        reason = text("請求書 %(number)s のお支払期限から猶予期間が過ぎました。", number=invoice.number)
        contract_actions.suspend_for_arrears(sorted(contracts.get(invoice.id, set())), reason=reason, at=at)


def stop_at_once(invoice: Invoice, *, at: datetime) -> list[str]:
    """Stop what an invoice paid in advance, whose payment was taken back; contracts that stopped.

    No grace: nothing was to be delivered before payment. A contract that a party suspended itself stays as it is, and
    its invoice is reminded of like any other.
    """
    reason = text(
        "請求書 %(number)s の入金が取り消されました。あらためて入金を確認すると自動で再開します。",
        number=invoice.number,
    )
    mine = sorted(contracts_on([invoice.id]).get(invoice.id, set()))
    stopped = contract_actions.suspend_for_arrears(mine, reason=reason, at=at)
    if stopped:
        row = {"invoice_id": invoice.id, "kind": "stopped", "at": at}
        session.execute(postgresql.insert(Reminder).values(row).on_conflict_do_nothing())
    return stopped


def contracts_on(invoice_ids: Sequence[str]) -> dict[str, set[str]]:
    """The contracts that invoices charge."""
    found: dict[str, set[str]] = {}
    query = select(InvoiceLine.invoice_id, InvoiceLine.contract_id).where(
        InvoiceLine.invoice_id.in_(invoice_ids), InvoiceLine.contract_id.is_not(None)
    )
    for invoice_id, contract_id in session.execute(query):
        found.setdefault(invoice_id, set()).add(str(contract_id))
    return found


def settle(invoice: Invoice, *, at: datetime) -> list[str]:
    """Resume what was stopped because of an invoice that no longer stands open; contracts that resumed.

    A contract stays stopped while another invoice of it is still in arrears.
    """
    if invoice.state == "issued":
        return []
    mine = contracts_on([invoice.id]).get(invoice.id, set())
    query = (
        select(InvoiceLine.contract_id)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .join(Reminder, Reminder.invoice_id == Invoice.id)
        .where(InvoiceLine.contract_id.in_(mine), Invoice.state == "issued", Reminder.kind == "stopped")
    )
    return contract_actions.resume_after_arrears(sorted(mine - {str(i) for i in session.scalars(query)}), at=at)
