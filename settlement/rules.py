"""What must always be true of money: tax, fees, states, dates, references, the chart of accounts. Pure.

    issued ──paid in full──> paid
      │  └──credited in full──> credited <──credited in full── paid
      └──void──> void                          overdue = issued, and past its due date
    issued, paid ──replaced by an invoice of other amounts──> replaced

Sources: 消費税法57条の4 (適格請求書) and 57条の4第3項 (適格返還請求書), 施行令70条の10 (rounding once per invoice and
rate); 収納代行 (the exchange receives as the provider's agent, so the receipt is a deposit held, 預り金).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

from exchange import money
from exchange.bank_days import bank_day_before, bank_days_after
from exchange.errors import N_

TAX_RATE_PERCENT = 10  # data licences are taxed at the standard rate
PAYOUT_WITHIN_DAYS = 30  # a provider's money leaves at most this long after it came
RETURN_WITHIN_DAYS = 30  # unapplied money goes back to its payer at most this long after it came
ACCOUNT_HELD_BANK_DAYS = 3  # nothing leaves for a changed account before so many bank days have passed
UPLOAD_WITHIN_DAYS = 7  # a seller that issues its own invoice is reminded of it after so many days
WARNED_BANK_DAYS = 5  # accountants are told of a deadline so many bank days ahead
REFERENCE_DIGITS = 9
QUALIFIED, PLAIN = "適格請求書", "請求書"
CORRECTED = "修正"  # before the title of whatever was corrected
STATEMENT = "請求明細"  # for a seller that issues the invoice itself
INVOICE_TITLES = [each + title for each in ("", CORRECTED) for title in (QUALIFIED, PLAIN, STATEMENT)]
QUALIFIED_RETURN, PLAIN_RETURN = "適格返還請求書", "返還請求書"

INVOICE_STATES = {
    "issued": (N_("未払い"), "warning"),
    "overdue": (N_("期限超過"), "error"),
    "paid": (N_("支払済み"), "success"),
    "credited": (N_("返還済み"), "info"),
    "void": (N_("取消"), "info"),
    "replaced": (N_("修正済み(差替え)"), "info"),
    "awaited": (N_("提供者の請求書待ち"), "info"),
}
PAYOUT_STATES = {
    "due": (N_("支払予定"), "warning"),
    "batched": (N_("振込手続中"), "info"),
    "sent": (N_("振込済み"), "success"),
    "returned": (N_("振込不能・次回へ繰越"), "error"),
}
PERIOD_STATES = {
    "open": (N_("未締め"), "info"),
    "closing": (N_("締め処理中"), "warning"),
    "closed": (N_("締め済み"), "success"),
}


# --- the chart of accounts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heading:
    """A heading of the chart (勘定科目). `floored` accounts never go below zero on their own side."""

    title: str
    kind: str  # asset | liability | revenue | memorandum
    side: str  # debit | credit: the side on which the balance is positive
    floored: bool = False
    tax: str = N_("対象外")


# A heading added here needs a migration of `ck_ledger_account_chart`: the database knows the chart too.
# Fees are booked with their consumption tax inside (税込経理方式); the tax category says so to the accounting
# software. What Stripe keeps of a payment is the exchange's cost: exempt where it is the discount on a card claim
# (消費税法別表第二), taxed where Stripe's own account of the fee shows tax. Amounts billed but not received stand in memorandum accounts: the claim is the provider's, not ours.
# What a card was authorized for is nobody's money yet: a hold on `captured`, and an entry there once it was captured.
CHART = {
    "bank": Heading(N_("普通預金"), "asset", "debit"),
    "stripe": Heading(N_("未収入金(決済代行会社)"), "asset", "debit"),
    "stripe-transit": Heading(N_("未収入金(決済代行会社からの振込)"), "asset", "debit"),
    "disputed": Heading(N_("仮払金(異議申立て)"), "asset", "debit"),
    "advances": Heading(N_("立替金"), "asset", "debit", floored=True),
    "deposits": Heading(N_("預り金"), "liability", "credit", floored=True),
    "frozen": Heading(N_("預り金(異議申立てにより保留)"), "liability", "credit", floored=True),
    "unapplied": Heading(N_("仮受金"), "liability", "credit", floored=True),
    "refunds": Heading(N_("未払金(返金)"), "liability", "credit", floored=True),
    "payout-clearing": Heading(N_("未払金(送金手続中)"), "liability", "credit", floored=True),
    "fees": Heading(N_("手数料収入"), "revenue", "credit", tax=N_("課税売上10%")),
    "transfer-charges": Heading(N_("支払手数料(振込手数料負担)"), "expense", "debit"),
    "other-income": Heading(N_("雑収入"), "revenue", "credit"),
    "processing": Heading(N_("支払手数料"), "expense", "debit", tax=N_("非課税仕入")),
    "processing-taxed": Heading(N_("支払手数料(課税)"), "expense", "debit", tax=N_("課税仕入10%")),
    "losses": Heading(N_("雑損失"), "expense", "debit"),
    "billed": Heading(N_("管理勘定 請求済未収"), "memorandum", "debit", floored=True),
    "uncollected": Heading(N_("管理勘定 請求済未収(対照)"), "memorandum", "credit", floored=True),
    "captured": Heading(N_("管理勘定 カード与信の売上確定"), "memorandum", "debit", floored=True),
    "captured-for": Heading(N_("管理勘定 カード与信の売上確定(対照)"), "memorandum", "credit", floored=True),
}
HELD_FOR_OTHERS = (
    "deposits",
    "frozen",
    "unapplied",
    "refunds",
    "payout-clearing",
)  # what of the bank balance is not ours
KIND_TITLES = {
    "asset": N_("資産"),
    "liability": N_("負債"),
    "revenue": N_("収益"),
    "expense": N_("費用"),
    "memorandum": N_("管理"),
}


@dataclass(frozen=True)
class Age:
    """How long a debt is overdue: from so many days, up to but not including so many; None where there is no bound."""

    title: str
    days_from: int | None
    days_until: int | None


# An invoice is due through its due date, so one day overdue is the day after it.
AGES = (
    Age(N_("期限内"), None, 1),
    Age(N_("1〜30日"), 1, 31),
    Age(N_("31〜60日"), 31, 61),
    Age(N_("61〜90日"), 61, 91),
    Age(N_("91日以上"), 91, None),
)


# --- tax and totals -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One line of an invoice; whole yen without tax."""

    description: str
    amount_jpy: int
    quantity: str = ""
    rate_percent: int = TAX_RATE_PERCENT
    month: str | None = None  # whose usage it charges, where that is not the invoice's own period
    contract_id: str | None = None
    ground: str | None = None  # with the contract it names the charge, which is made once


@dataclass(frozen=True)
class RateTotal:
    """What an invoice charges at one rate of tax, in yen."""

    rate_percent: int
    taxable_jpy: int
    tax_jpy: int


def totals_by_rate(lines: Iterable[Line]) -> list[RateTotal]:
    """Taxable amount and tax of each rate, the tax rounded down once per rate, never per line (施行令70条の10)."""
    sums: dict[int, int] = {}
    for line in lines:
        sums[line.rate_percent] = sums.get(line.rate_percent, 0) + line.amount_jpy
    return [
        RateTotal(rate, taxable, money.tax_jpy(taxable, rate)) for rate, taxable in sorted(sums.items(), reverse=True)
    ]


def totals_within(total_jpy: int, rate_percent: int = TAX_RATE_PERCENT) -> RateTotal:
    """Taxable amount and tax of a total that includes the tax, for one rate."""
    tax = tax_within(total_jpy, rate_percent)
    return RateTotal(rate_percent, total_jpy - tax, tax)


def tax_within(total_jpy: int, rate_percent: int) -> int:
    """The tax inside an amount that includes it, in yen, rounded down."""
    return total_jpy * rate_percent // (100 + rate_percent)


def credit_tax(*, credited_before_jpy: int, amount_jpy: int, rate_percent: int) -> int:
    """The tax inside a credit note, such that the notes of one invoice add up to the tax of the whole.

    Taken as the step between two cumulative roundings: no order of partial credits gains or loses a yen.
    """
    after = tax_within(credited_before_jpy + amount_jpy, rate_percent)
    return after - tax_within(credited_before_jpy, rate_percent)


# --- fee, payment, refund -------------------------------------------------------------------------------------


def fee_jpy(price_jpy: int, percent: int) -> int:
    """The exchange's fee, tax included, on a price without tax: `percent` of it, rounded down."""
    return money.share_jpy(price_jpy, Decimal(percent))


def fee_due(fee_total_jpy: int, *, received_jpy: int, total_jpy: int) -> int:
    """The part of an invoice's fee that is earned once so much of its total is received.

    Cumulative, rounded down: the steps between payments telescope, so the last one brings exactly the whole fee.
    """
    return fee_total_jpy * received_jpy // total_jpy if total_jpy else 0


@dataclass(frozen=True)
class Split:
    """How an amount divides in two, in yen."""

    first_jpy: int
    rest_jpy: int


def split_payment(*, due_jpy: int, received_jpy: int) -> Split:
    """What of a receipt pays the invoice, and what is left over to be looked at by a person."""
    applied = min(due_jpy, received_jpy)
    return Split(applied, received_jpy - applied)


def split_refund(*, due_jpy: int, amount_jpy: int) -> Split:
    """What of a refund lowers the amount still due, and what must be paid back."""
    return split_payment(due_jpy=due_jpy, received_jpy=amount_jpy)


def split_kept(*, paid_jpy: int, refunded_jpy: int, credited_jpy: int, total_jpy: int) -> Split:
    """What of the money paid an invoice of another total keeps, and what is the payer's again.

    What was credited stays taken off, and what of that was paid back has gone already.
    """
    kept = min(paid_jpy, total_jpy - credited_jpy + refunded_jpy)
    return Split(kept, paid_jpy - kept)


def state_after(*, total_jpy: int, due_jpy: int, credited_jpy: int) -> str:
    """The state of an invoice that is not void, from its amounts."""
    if credited_jpy >= total_jpy:
        return "credited"
    return "paid" if due_jpy <= 0 else "issued"


def state_shown(state: str, *, due_on: date | None, today: date) -> str:
    """The state as people see it: what is issued and past its due date is overdue; without one, a paper is awaited."""
    if state != "issued":
        return state
    return "awaited" if due_on is None else "overdue" if today > due_on else state


REMIND_BEFORE_DAYS = 7
LAST_WORD_DAYS = 3  # nobody's delivery stops sooner than this after a word that it will


def stops_on(due_on: date, grace_days: int) -> date:
    """The first day on which delivery may be stopped because an invoice was not paid."""
    return due_on + timedelta(days=grace_days + 1)


def word_due(*, due_on: date, grace_days: int, today: date, warned_on: date | None) -> str | None:
    """What the buyer of an unpaid invoice is to be told today, if it was not told yet.

    `before` in the week until the due date, `overdue` after it, `last` before delivery stops, `stopped` as it does,
    which needs that a warning after the due date stands for three days, or for the whole grace period where it is less.
    """
    stop = stops_on(due_on, grace_days)
    if today <= due_on:
        return "before" if due_on - today <= timedelta(days=REMIND_BEFORE_DAYS) else None
    wait = timedelta(days=min(LAST_WORD_DAYS, grace_days))
    if today >= stop and warned_on is not None and today - warned_on >= wait:
        return "stopped"
    return "last" if today >= stop - timedelta(days=LAST_WORD_DAYS) else "overdue"


# --- payment through Stripe -----------------------------------------------------------------------------------

# Amounts that Stripe takes in yen, which have no minor unit there either.
STRIPE_LEAST_JPY, STRIPE_MOST_JPY = 50, 99_999_999
KONBINI_LEAST_JPY, KONBINI_MOST_JPY = 120, 300_000
CARD_DAYS_BEFORE_DUE = 7  # a saved card is asked a week before the due date, so that a refusal leaves time to pay
UNDER_WAY = ("intended", "open", "processing")
DISPUTE_WON, DISPUTE_LOST = ("won", "warning_closed", "prevented"), ("lost",)

ONLINE_STATES = {
    "intended": (N_("準備中"), "info"),
    "open": (N_("支払画面を表示中"), "info"),
    "processing": (N_("入金待ち"), "warning"),
    "succeeded": (N_("入金済み"), "success"),
    "failed": (N_("不成立"), "error"),
    "expired": (N_("期限切れ"), "info"),
}
AUTHORIZING = ("intended", "open", "authorized", "releasing")
CAME_TO_NOTHING = ("declined", "rejected", "expired")  # contracts that nothing will ever be owed for
AUTHORIZED_DAYS = 7  # how long most cards stay authorized, where Stripe does not say until when
AUTHORIZATION_STATES = {
    "intended": (N_("準備中"), "info"),
    "open": (N_("確保の画面を表示中"), "info"),
    "authorized": (N_("確保済み"), "success"),
    "captured": (N_("売上確定済み"), "success"),
    "releasing": (N_("解放の手続き中"), "warning"),
    "released": (N_("解放済み"), "info"),
    "lapsed": (N_("期間満了により解放"), "warning"),
    "abandoned": (N_("確保されませんでした"), "info"),
    "failed": (N_("不成立"), "error"),
}
ONLINE_METHODS = {
    "card": N_("クレジットカード"),
    "konbini": N_("コンビニ"),
    "customer_balance": N_("銀行振込(決済代行会社)"),
}
ONLINE_REFUND_STATES = {
    "intended": (N_("依頼中"), "info"),
    "pending": (N_("処理中"), "warning"),
    "succeeded": (N_("返金済み"), "success"),
    "failed": (N_("不成立"), "error"),
}
DISPUTE_STATES = {
    "open": (N_("審査中"), "warning"),
    "won": (N_("解決(入金を維持)"), "success"),
    "lost": (N_("解決(入金を取消)"), "error"),
}


def ways_to_pay(amount_jpy: int) -> tuple[str, ...]:
    """How so many yen can be paid through Stripe; empty where the amount is below or above what it takes."""
    if not STRIPE_LEAST_JPY <= amount_jpy <= STRIPE_MOST_JPY:
        return ()
    konbini = ("konbini",) if KONBINI_LEAST_JPY <= amount_jpy <= KONBINI_MOST_JPY else ()
    return ("card", *konbini, "customer_balance")


def online_state(now: str, *, page: str | None, intent: str | None) -> str:
    """The state of a payment, from Stripe's words on its page (open, complete, expired) and on the payment itself.

    Money that came is never forgotten, whatever was thought before; else nothing goes back from an end. A declined
    card leaves the page open for another one.
    """
    if intent == "succeeded":
        return "succeeded"
    if now not in UNDER_WAY or intent == "requires_capture":  # an authorized card: nobody took anything from it yet
        return now
    if page == "expired" or intent == "canceled":
        return "expired"
    if page == "open":
        return "open"
    if intent == "requires_payment_method" or (page is None and intent == "requires_action"):
        return "failed"
    return "processing" if page == "complete" or intent else now


def authorization_state(now: str, *, page: str | None, intent: str | None) -> str:
    """The state of a card's authorization, from Stripe's words on its page and on the payment itself.

    Nothing goes back from an end. One that was captured is ended by the payment that books it.
    """
    if now not in AUTHORIZING or (intent == "succeeded" and now != "releasing"):
        return now
    if intent == "succeeded":
        return "failed"  # somebody captured by hand what was to be released
    if intent == "requires_capture":
        return now if now == "releasing" else "authorized"
    if intent == "canceled" or page == "expired":
        if now == "releasing":
            return "released"
        return "lapsed" if now == "authorized" or page == "complete" else "abandoned"
    return now


def authorization_fate(contract_state: str, *, is_activated: bool) -> str:
    """What becomes of an authorized card as its contract stands: `wait`, `capture`, or `release`.

    Ending a contract never erases a charge already earned.
    """
    if is_activated:
        return "capture"
    return "release" if contract_state in CAME_TO_NOTHING else "wait"


def refund_state(status: str) -> str:
    """Our state of a refund, from Stripe's."""
    known = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}
    return known.get(status, "pending")


def dispute_state(status: str) -> str:
    """Our state of a payer's objection, from Stripe's; an inquiry (warning) is open, too."""
    if status in DISPUTE_WON:
        return "won"
    return "lost" if status in DISPUTE_LOST else "open"


def part_of_fee(fee_jpy: int, *, part_jpy: int, whole_jpy: int) -> int:
    """The fee inside a part of a payment, rounded down; the whole fee inside the whole."""
    return fee_jpy * part_jpy // whole_jpy


def is_from_stripe(payer: str) -> bool:
    """Whether a bank's statement names Stripe as the payer, in any width of kana."""
    plain = unicodedata.normalize("NFKC", payer).upper()
    return "ストライプ" in plain or "STRIPE" in plain


# --- names and dates ------------------------------------------------------------------------------------------


class Registered(Protocol):
    """Whoever may be registered as an issuer of qualified invoices."""

    registration_number: str | None
    registration_valid_from: date | None
    registration_valid_until: date | None


def registration_on(issuer: Registered, on: date) -> str | None:
    """The registration number (T + 13 digits) in force on a date, or None.

    Without a date of registration the number counts as in force: the register was asked when it was entered.
    """
    if not issuer.registration_number:
        return None
    begun = issuer.registration_valid_from is None or issuer.registration_valid_from <= on
    over = issuer.registration_valid_until is not None and on > issuer.registration_valid_until
    return issuer.registration_number if begun and not over else None


def invoice_title(registration_number: str | None) -> str:
    """適格請求書 only with a registration number in force, else 請求書 (消費税法57条の4, 57条の5)."""
    return QUALIFIED if registration_number else PLAIN


def credit_note_title(registration_number: str | None) -> str:
    """The title of a credit note, by the same rule (消費税法57条の4第3項)."""
    return QUALIFIED_RETURN if registration_number else PLAIN_RETURN


def kept_until(issued_on: date, *, years: int, fiscal_year_end_month: int) -> date:
    """Until when a document is kept: so many years from the day on which the return for its fiscal year is due.

    Returns are due two months after the year's end (法人税法74条); the term is counted from the day after that
    (法人税法施行規則59条, 電子帳簿保存法7条).
    """
    year = issued_on.year if issued_on.month <= fiscal_year_end_month else issued_on.year + 1
    months = fiscal_year_end_month + 2
    filed = _month_end(year + (months > 12), months - 12 if months > 12 else months)
    return _month_end(filed.year + years, filed.month)


def _month_end(year: int, month: int) -> date:
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    return first_of_next - timedelta(days=1)


def return_by(received_on: date) -> date:
    """The last bank day on which unapplied money must be back with its payer, unless the payer says what it pays."""
    return bank_day_before(received_on + timedelta(days=RETURN_WITHIN_DAYS))


def is_near(deadline: date, *, today: date) -> bool:
    """Whether a deadline is few bank days ahead, or past."""
    return deadline <= bank_days_after(today, WARNED_BANK_DAYS)


def account_held_until(confirmed_on: date) -> date:
    """The first day on which money may leave for an account that replaced another on a day.

    Three whole bank days lie between, in which the owners, who are told, can object.
    """
    return bank_days_after(confirmed_on, ACCOUNT_HELD_BANK_DAYS + 1)


def payout_due_on(received_on: date) -> date:
    """The last bank day on which money received on a date must have left for its provider."""
    return bank_day_before(received_on + timedelta(days=PAYOUT_WITHIN_DAYS))


def days_active(*, first: date, last: date | None, month_first: date, month_last: date) -> int:
    """Days of a month on which a contract was in force, first and last day counted (暦日)."""
    begin, end = max(first, month_first), min(last or month_last, month_last)
    return max(0, (end - begin).days + 1)


# --- references -----------------------------------------------------------------------------------------------


def payment_reference(number: int) -> str:
    """The reference people type into a transfer: the number in eight digits and a check digit (Luhn)."""
    body = f"{number:0{REFERENCE_DIGITS - 1}d}"
    return body + str(_luhn(body))


def is_payment_reference(reference: str) -> bool:
    """Whether nine ASCII digits end in the right check digit."""
    return bool(re.fullmatch(r"[0-9]{9}", reference)) and int(reference[-1]) == _luhn(reference[:-1])


def _luhn(body: str) -> int:
    doubled = [int(d) * (2 if n % 2 == 0 else 1) for n, d in enumerate(reversed(body))]
    return -sum(d - 9 if d > 9 else d for d in doubled) % 10


def references_in(*texts: str) -> list[str]:
    """Every well-formed payment reference in what a bank wrote, in any width of digits, each once."""
    found: list[str] = []
    for text in texts:
        plain = unicodedata.normalize("NFKC", text)
        found += [run for run in re.findall(r"(?<![0-9])[0-9]{9}(?![0-9])", plain) if is_payment_reference(run)]
    return list(dict.fromkeys(found))


SUGGESTED = ("reference", "amount-and-name", "together", "short", "amount", "name")  # the likeliest first


def why_suggested(*, referred: bool, named: bool, due_jpy: int, amount_jpy: int, charge_max_jpy: int) -> str | None:
    """Why an invoice may be what a payment is for, or None: its reference, its amount, its payer's name, or the amount
    less what a bank takes for a transfer.
    """
    if referred:
        return "reference"
    if due_jpy == amount_jpy:
        return "amount-and-name" if named else "amount"
    if named:
        return "short" if is_short_by_charge(due_jpy - amount_jpy, charge_max_jpy=charge_max_jpy) else "name"
    return None


def is_short_by_charge(short_jpy: int, *, charge_max_jpy: int) -> bool:
    """Whether a payment is short by no more than a bank's charge; a person decides who bears it."""
    return 0 < short_jpy <= charge_max_jpy


# --- who may --------------------------------------------------------------------------------------------------


class Person(Protocol):
    """Whoever acts."""

    roles: list[str]
    organization_id: str

    @property
    def is_operator(self) -> bool: ...


def keeps_books(person: Person) -> bool:
    """Whether someone keeps the exchange's books: an administrator for finance."""
    return person.is_operator and "finance" in person.roles


def pays_for(person: Person, organization_id: str) -> bool:
    """Whether someone may pay for an organization: its owner, or its accountant."""
    return person.organization_id == organization_id and bool({"owner", "accountant"} & set(person.roles))


def is_party(person: Person, organization_ids: Sequence[str]) -> bool:
    """Whether someone belongs to one of the organizations."""
    return person.organization_id in organization_ids
