"""Timed and queued work of settlement. Each piece is one call, safe to run twice."""

from datetime import datetime
from typing import Any

from exchange.errors import N_, text
from exchange.jobs import handler, periodic
from settlement import actions


@periodic("issue-invoices", seconds=1, title=text(N_("成立した契約の請求書を発行する")))
def issue_invoices(*, at: datetime) -> None:
    """One-off prices are invoiced when their contracts become active."""
    actions.issue_what_is_due(at=at)


@periodic("bank-deadlines", seconds=3600, title=text(N_("返金と支払いの期限を知らせる")))
def bank_deadlines(*, at: datetime) -> None:
    """Unapplied money must go back and providers' money must leave by a date; accountants hear of it in time."""
    actions.remind_of_unapplied(at=at)
    actions.warn_of_deadlines(at=at)


@handler("close-month")
def close_month(payload: dict[str, Any], *, at: datetime) -> None:
    """The next step of closing a month; it queues the one after it."""
    after = payload["after"]
    actions.continue_close(payload["month"], after=(after[0], after[1]) if isinstance(after, list) else None, at=at)


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
    """Words before and after the due date, and the stop of delivery after the grace period."""
    actions.remind(at=at)


@handler("print-credit-note")
def print_credit_note(payload: dict[str, Any], *, at: datetime) -> None:
    """Fix a credit note's PDF."""
    actions.print_credit_note(payload["credit_note_id"])


@handler("print-payout")
def print_payout(payload: dict[str, Any], *, at: datetime) -> None:
    """Fix the PDF of a payout's statement."""
    actions.print_payout(payload["payout_id"])
