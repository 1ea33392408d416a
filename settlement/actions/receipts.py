"""Money in: bank statements and single payments, and what a person does with what they leave over."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import selectinload

from exchange import audit, clock, database, settings
from exchange.database import new_id, session
from exchange.errors import N_, Conflict, Invalid, NotFound, Words, WrongState, text
from exchange.identity.accounts import DomesticOnly
from exchange.identity.actions import notify, notify_operators
from exchange.identity.models import Member
from settlement import bank, collecting, matching, online, payouts, rules
from settlement.actions.locks import MONEY, only_finance
from settlement.actions.refunds import refund
from settlement.bank import StatementLine
from settlement.collecting import Match
from settlement.models import Application, Invoice, Receipt


class AlreadyRecorded(Conflict):
    """The same payment was recorded before."""

    title_ja = N_("同じ入金がすでに記録されています")


NOTE_LENGTH_MAX = 500
DOMESTIC = N_(
    "この取引市場は、国内の支払人と受取人の間の支払いだけを扱います(この取引市場の規則です)。"
    "国外からの入金は請求書に消し込めません。送金人へ返金してください。"
)


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """What a payer told: who said it, on which day, and how it was recorded (the call, the letter, the mail)."""

    by: str
    on: date
    how: str


@dataclass
class Taken:
    """What became of a statement's lines."""

    matched: list[Receipt] = field(default_factory=list)
    unmatched: list[Receipt] = field(default_factory=list)
    new_count: int = 0


def take_statement(content: bytes, *, by: Member, at: datetime) -> Taken:
    """Record every payment of a bank statement, each once however often and in whichever layout the statement comes.

    A line pays the invoice whose payment reference it carries, else the only one whose amount and payer's name fit;
    anything else, and what is paid too much, waits as unapplied money for a person. One of our own transfers that
    came back becomes payable again. Raises `Invalid` naming every unreadable line, and then records none.
    """
    only_finance(by)
    today, account = clock.day_of(at), settings.current().bank_account
    lines = bank.read_statement(content, today=today, account=account)
    database.lock(MONEY)
    taken, seen = Taken(), _Seen(lines)
    receipts: list[str] = []
    for line, known in seen.paired(lines):
        if known is None:
            known = _record(line, fingerprint=seen.next_fingerprint(line), by=by, at=at)
            taken.new_count += 1
        receipts.append(known.id)
    if taken.new_count:
        detail = {"lines": len(lines), "new": taken.new_count, "sha256": hashlib.sha256(content).hexdigest()}
        audit.record("statement.take", actor=by.id, subject="bank-statement", at=at, detail=detail)
    for receipt in _receipts(receipts):
        (taken.unmatched if receipt.unapplied_jpy == receipt.amount_jpy else taken.matched).append(receipt)
    return taken


def _receipts(ids: Sequence[str]) -> list[Receipt]:
    session.flush()
    query = select(Receipt).where(Receipt.id.in_(ids)).options(selectinload(Receipt.applications))
    found = {r.id: r for r in session.scalars(query.execution_options(populate_existing=True))}
    return [found[receipt_id] for receipt_id in ids]


class _Seen:
    """Which payments of a day, payer and amount are recorded already, whatever layout told of them first."""

    def __init__(self, lines: Iterable[StatementLine]) -> None:
        days = {(line.received_on, line.amount_jpy) for line in lines}
        query = select(Receipt).where(tuple_(Receipt.received_on, Receipt.amount_jpy).in_(days)).order_by(Receipt.id)
        self.counts: dict[tuple[date, str, int], int] = {}
        self.waiting: dict[tuple[date, int], list[Receipt]] = {day: [] for day in days}
        for receipt in session.scalars(query) if days else ():
            self.waiting[receipt.received_on, receipt.amount_jpy].append(receipt)
            key = _same(receipt.received_on, receipt.payer, receipt.amount_jpy)
            self.counts[key] = self.counts.get(key, 0) + 1

    def paired(self, lines: Sequence[StatementLine]) -> list[tuple[StatementLine, Receipt | None]]:
        """Each line with the receipt it tells of again, each receipt once: those written alike before all others."""
        found: dict[int, Receipt] = {}
        for is_same in (_is_written_alike, _may_be_same):
            for n, line in enumerate(lines):
                waiting = self.waiting[line.received_on, line.amount_jpy]
                receipt = next((r for r in waiting if n not in found and is_same(line, r)), None)
                if receipt:
                    found[n] = receipt
                    waiting.remove(receipt)
        return [(line, found.get(n)) for n, line in enumerate(lines)]

    def next_fingerprint(self, line: StatementLine) -> str:
        """The fingerprint of one more payment like this."""
        key = _same(line.received_on, line.payer, line.amount_jpy)
        self.counts[key] = self.counts.get(key, 0) + 1
        return hashlib.sha256("|".join(map(str, (*key, self.counts[key]))).encode()).hexdigest()


def _same(received_on: date, payer: str, amount_jpy: int) -> tuple[date, str, int]:
    return received_on, bank.payer_key(payer), amount_jpy


def _is_written_alike(line: StatementLine, receipt: Receipt) -> bool:
    return (line.received_on, line.payer, line.amount_jpy, line.reference) == (
        receipt.received_on,
        receipt.payer,
        receipt.amount_jpy,
        receipt.reference,
    )


def _may_be_same(line: StatementLine, receipt: Receipt) -> bool:
    """The same day, payer and amount, and no two different references: another layout of the same payment."""
    if _same(line.received_on, line.payer, line.amount_jpy) != _same(
        receipt.received_on, receipt.payer, receipt.amount_jpy
    ):
        return False
    told = rules.references_in(line.payer, line.reference)
    known = rules.references_in(receipt.payer, receipt.reference)
    return told == known or not told or not known


def _record(line: StatementLine, *, fingerprint: str, by: Member, at: datetime) -> Receipt:
    receipt = Receipt(
        id=new_id(),
        fingerprint=fingerprint,
        received_on=line.received_on,
        payer=line.payer,
        amount_jpy=line.amount_jpy,
        reference=line.reference,
        unapplied_jpy=line.amount_jpy,
        returned_jpy=0,
        recorded_at=at,
        recorded_by=by.id,
    )
    meant = matching.meant_by(line)
    receipt.reason = meant.reason
    if meant.reason == "bounced" and _take_transfer_back(receipt, line, by, at):
        return receipt
    invoice = meant.invoice
    before = invoice.state if invoice else None
    if invoice:
        receipt.reason = _oddity(invoice, line.amount_jpy)
    collecting.receive(receipt, invoice, match=Match(meant.by), at=at)
    if invoice and invoice.state == "paid" and before != "paid":
        tell_paid(invoice, at)
    return receipt


def _oddity(invoice: Invoice, amount_jpy: int) -> str | None:
    """What a person should look at: paid already, paid too much, or short by what may be the bank's charge."""
    if invoice.due_jpy < amount_jpy:
        return "over" if invoice.due_jpy else "settled"
    most = settings.current().transfer_charge_max_jpy
    return "short" if rules.is_short_by_charge(invoice.due_jpy - amount_jpy, charge_max_jpy=most) else None


def _take_transfer_back(receipt: Receipt, line: StatementLine, by: Member, at: datetime) -> bool:
    """Let a credit bring back the one transfer of ours that it tells of; False where a person has to find it."""
    payout, is_recorded = matching.payout_come_back(line)
    if payout is None:
        return False
    if is_recorded:  # a person heard of it first, and booked the bank
        receipt.unapplied_jpy, receipt.payout_id = 0, payout.id
        session.add(receipt)
        return True
    collecting.receive(receipt, None, at=at)
    payouts.take_back(payout, reason=line.reference or line.payer, on=line.received_on, receipt=receipt, at=at)
    audit.record("payout.return", actor=by.id, subject=f"payout/{payout.id}", organization=payout.provider_id, at=at)
    payouts.tell_returned(payout, at=at)
    return True


def tell_paid(invoice: Invoice, at: datetime) -> None:
    """Tell the provider that an invoice was paid."""
    notify(
        organization_id=invoice.issuer_id,
        roles=("owner", "accountant"),
        title=text("ご入金がありました"),
        body=text(
            "%(buyer)s から請求書 %(number)s の代金 %(total)s円が支払われました。手数料を差し引いて振り込みます。",
            buyer=invoice.recipient["name"],
            number=invoice.number,
            total=f"{invoice.paid_jpy:,}",
        ),
        path="/desk/payouts",
        at=at,
    )


def record_payment(
    *, received_on: date, payer: str, amount_jpy: int, reference: str, another: bool = False, by: Member, at: datetime
) -> Receipt:
    """Record one payment seen at the bank; the same one again is `AlreadyRecorded`, also from a statement later.

    `another` says that it is a second payment of the same day, payer and amount.
    """
    only_finance(by)
    errors: dict[str, list[Words]] = {}
    if received_on > clock.day_of(at):
        errors["received_on"] = [text("入金日は今日までの日付にしてください。")]
    if not 0 < amount_jpy <= bank.AMOUNT_MAX:
        errors["amount_jpy"] = [text("金額は1円以上の整数で入力してください。")]
    if not payer.strip() or max(len(payer), len(reference)) > bank.TEXT_LENGTH_MAX:
        errors["payer"] = [text("振込依頼人は1文字以上%(max)s文字以内で入力してください。", max=bank.TEXT_LENGTH_MAX)]
    if errors:
        raise Invalid(errors)
    database.lock(MONEY)
    payer, reference = payer.strip(), reference.strip()
    line = StatementLine(1, received_on, payer, amount_jpy, reference, "person")
    seen = _Seen([line])
    if not another and seen.paired([line])[0][1]:
        raise AlreadyRecorded(
            text(
                "同じ日、同じ名義、同じ金額の入金がすでにあります。別の入金であれば、「別の入金として記録する」を選んでください。"
            )
        )
    receipt = _record(line, fingerprint=seen.next_fingerprint(line), by=by, at=at)
    detail = {"amount_jpy": amount_jpy, "unapplied_jpy": receipt.unapplied_jpy}
    audit.record("receipt.record", actor=by.id, subject=f"receipt/{receipt.id}", at=at, detail=detail)
    return receipt


def apply_receipt(
    receipt_id: str, *, reference: str, instruction: Instruction, by: Member, at: datetime
) -> list[Invoice]:
    """Let unapplied money pay invoices on the payer's recorded instruction, as far as they are due, in their order.

    `reference` holds the payment references, several where one transfer paid several invoices. Raises `DomesticOnly`
    for money from abroad.
    """
    only_finance(by)
    database.lock(MONEY)
    receipt = _unapplied(receipt_id)
    if receipt.reason == "abroad":
        raise DomesticOnly(text(DOMESTIC))
    found = matching.invoices_by_reference(reference)
    invoices = list({i.id: i for i in (found.get(each) for each in rules.references_in(reference)) if i}.values())
    told = _told(instruction, at)
    _check_payable(len(found) < len(rules.references_in(reference)), invoices)
    for invoice in invoices:
        _apply_to(receipt, invoice, told, by, at)
    return invoices


def _check_payable(is_one_unknown: bool, invoices: Sequence[Invoice]) -> None:
    words: Words | None = None
    if not invoices or is_one_unknown:
        words = text("この照合番号の請求書はありません。請求書に記載の9桁の番号を入力してください。")
    elif any(not invoice.due_jpy for invoice in invoices):
        words = text("この請求書に未払いの額はありません。")
    if words:
        raise Invalid({"reference": [words]})


def _apply_to(receipt: Receipt, invoice: Invoice, told: dict[str, str], by: Member, at: datetime) -> None:
    amount, before = min(invoice.due_jpy, receipt.unapplied_jpy), invoice.state
    if not amount:
        raise Invalid({"reference": [text("入金の残りがないため、%(n)s には消し込めません。", n=invoice.number)]})
    collecting.apply_later(receipt, invoice, amount, instruction=told, at=at)
    detail = {"invoice": invoice.id, "amount_jpy": amount, "instruction": told}
    audit.record("receipt.apply", actor=by.id, subject=f"receipt/{receipt.id}", at=at, detail=detail)
    if invoice.state == "paid" and before != "paid":
        tell_paid(invoice, at)


def _told(instruction: Instruction, at: datetime) -> dict[str, str]:
    """An instruction as it is kept; raises `Invalid` unless it says who, when and how."""
    errors: dict[str, list[Words]] = {}
    if not 0 < len(instruction.by.strip()) <= bank.TEXT_LENGTH_MAX:
        errors["told_by"] = [text("指示した人(組織と氏名)を入力してください。")]
    if instruction.on > clock.day_of(at):
        errors["told_on"] = [text("指示を受けた日は今日までの日付にしてください。")]
    if not 0 < len(instruction.how.strip()) <= NOTE_LENGTH_MAX:
        errors["told_how"] = [text("どのように確認したかを%(max)s文字以内で入力してください。", max=NOTE_LENGTH_MAX)]
    if errors:
        raise Invalid(errors)
    return {"by": instruction.by.strip(), "on": instruction.on.isoformat(), "how": instruction.how.strip()}


def bear_charge(invoice_id: str, *, bearer: str, instruction: Instruction, by: Member, at: datetime) -> Invoice:
    """issued → paid: somebody bears what an invoice's last payment fell short by, a bank's charge the payer took off.

    A person decides it, never the machine; `instruction` says on whose word. The `exchange` pays it, or the `provider`
    gives it up by a credit note. Raises `WrongState` when nothing was paid or more is missing than a charge (settings).
    """
    only_finance(by)
    database.lock(MONEY)
    invoice = session.get(Invoice, invoice_id, populate_existing=True)
    if invoice is None:
        raise NotFound()
    most, receipt = settings.current().transfer_charge_max_jpy, _last_receipt(invoice)
    if receipt is None or not rules.is_short_by_charge(invoice.due_jpy, charge_max_jpy=most):
        words = text(
            "振込手数料として扱えるのは、入金があり、不足が%(max)s円以下の請求書だけです(不足は%(due)s円です)。",
            max=f"{most:,}",
            due=f"{invoice.due_jpy:,}",
        )
        raise WrongState(words, state=invoice.state)
    told, short = _told(instruction, at), invoice.due_jpy
    if bearer == "provider":
        refund(invoice_id, amount_jpy=short, reason="振込手数料相当額の値引き", by=by, at=at)
    elif bearer == "exchange":
        collecting.bear_charge(receipt, invoice, instruction=told, at=at)
    else:
        raise Invalid({"bearer": [text("振込手数料を負担する側を選んでください。")]})
    detail = {"amount_jpy": short, "bearer": bearer, "instruction": told}
    subject = f"invoice/{invoice.id}"
    audit.record(
        "invoice.bear_charge", actor=by.id, subject=subject, organization=invoice.issuer_id, at=at, detail=detail
    )
    tell_paid(invoice, at)
    return invoice


def _last_receipt(invoice: Invoice) -> Receipt | None:
    query = select(Receipt).join(Application, Application.receipt_id == Receipt.id)
    query = query.where(Application.invoice_id == invoice.id, Application.released_at.is_(None))
    return session.scalars(query.order_by(Application.id.desc())).first()


def return_receipt(receipt_id: str, *, note: str, by: Member, at: datetime) -> Receipt:
    """Record that unapplied money was sent back to its payer: when, to which account, in words.

    What came through Stripe goes back that way, by a job.
    """
    return _let_go(receipt_id, "receipt.return", _give_back, note, by, at)


def _give_back(receipt: Receipt, *, note: str, at: datetime) -> int:
    back = online.give_back if receipt.channel == "stripe" else collecting.give_back
    return back(receipt, note=note, at=at)


def keep_receipt(receipt_id: str, *, note: str, by: Member, at: datetime) -> Receipt:
    """Record that unapplied money is the exchange's own: interest, or a transfer of the operator itself. Never a buyer's."""
    return _let_go(receipt_id, "receipt.keep", _keep, note, by, at)


def _keep(receipt: Receipt, *, note: str, at: datetime) -> int:
    if receipt.channel == "stripe":
        raise WrongState(text("利用者が支払った額は、運営者の入金にできません。返金してください。"), state="paid")
    return collecting.keep_as_income(receipt, note=note, at=at)


def _let_go(receipt_id: str, deed: str, book: Callable[..., int], note: str, by: Member, at: datetime) -> Receipt:
    only_finance(by)
    if not 0 < len(note.strip()) <= NOTE_LENGTH_MAX:
        raise Invalid({"note": [text("記録する内容を%(max)s文字以内で入力してください。", max=NOTE_LENGTH_MAX)]})
    database.lock(MONEY)
    receipt = _unapplied(receipt_id)
    amount = book(receipt, note=note.strip(), at=at)
    detail = {"amount_jpy": amount, "note": note.strip()}
    audit.record(deed, actor=by.id, subject=f"receipt/{receipt.id}", at=at, detail=detail)
    return receipt


def remind_of_unapplied(*, at: datetime) -> int:
    """Tell accountants of unapplied money that must soon be back with its payer, once each; how many."""
    today = clock.day_of(at)
    query = select(Receipt).where(Receipt.unapplied_jpy > 0, Receipt.reminded_at.is_(None)).order_by(Receipt.id)
    near = [r for r in session.scalars(query) if rules.is_near(rules.return_by(r.waits_since), today=today)]
    for receipt in near:
        receipt.reminded_at = at
    if near:
        first = min(rules.return_by(r.waits_since) for r in near)
        notify_operators(
            roles=["finance"],
            title=text("返金の期限が近い入金があります"),
            body=text(
                "請求書に消し込めていない入金が%(n)s件あります。最も早い返金期限は%(on)sです。支払人に確認して消し込むか、返金してください。",
                n=len(near),
                on=clock.words(first),
            ),
            path="/desk/ledger/receipts",
            at=at,
        )
    return len(near)


def _unapplied(receipt_id: str) -> Receipt:
    receipt = session.get(Receipt, receipt_id, populate_existing=True)
    if receipt is None:
        raise NotFound()
    if not receipt.unapplied_jpy:
        raise WrongState(text("この入金に未消込の額は残っていません。"), state="applied")
    online.refuse_if_receipt_disputed(receipt)
    return receipt
