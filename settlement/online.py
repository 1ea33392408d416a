"""What Stripe says, in the books: payments in, money back, objections, fees, payouts to the bank.

Nothing here speaks to Stripe: facts come from `stripe_gateway`, fetched before, and every function is called under the
lock `settlement/money`. Each can be told the same fact again, or an older one, and then changes nothing.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from exchange import clock, jobs
from exchange.database import new_id, session
from exchange.errors import WrongState, text
from settlement import collecting, ledger, payouts, replacing, rules, stripe_gateway
from settlement.ledger import (
    BANK,
    DISPUTED,
    LOSSES,
    PROCESSING,
    PROCESSING_TAXED,
    STRIPE,
    STRIPE_TRANSIT,
    UNAPPLIED,
    Move,
)
from settlement.models import (
    Application,
    CreditNote,
    Invoice,
    OnlinePayment,
    OnlineRefund,
    PaymentDispute,
    Payout,
    PayoutLine,
    Receipt,
    StripeMovement,
)
from settlement.stripe_gateway import DisputeSeen, IntentSeen, Movement, RefundSeen

ARRIVES_WITHIN = timedelta(days=14)


def reread(payment_id: str) -> OnlinePayment:
    """A payment as the database has it, its row locked."""
    return session.get_one(OnlinePayment, payment_id, populate_existing=True, with_for_update=True)


def invoice_of(payment: OnlinePayment) -> Invoice:
    """The invoice an attempt pays, as it stands now; the one in its place where its amounts were corrected."""
    invoice = session.get_one(Invoice, payment.invoice_id, populate_existing=True)
    return replacing.newest([invoice])[invoice.id]


def receipt_of(payment: OnlinePayment) -> Receipt:
    """What a payment that succeeded brought."""
    return session.get_one(Receipt, payment.receipt_id, populate_existing=True)


# ---- money in


def take_payment(payment: OnlinePayment, seen: IntentSeen, *, at: datetime) -> Invoice:
    """Book a payment that succeeded at Stripe, once: it pays its invoice as far as that is due.

    What the invoice no longer needs, because it was paid otherwise in the meantime, waits for a person.
    """
    invoice = invoice_of(payment)
    is_ours = seen.our_id == payment.id or (seen.authorization_id or "") == payment.authorization_id
    if seen.currency != stripe_gateway.CURRENCY or not is_ours:
        raise WrongState(text("Stripe の支払いがこの請求書のものではありません。"), state=seen.status)
    receipt = Receipt(
        id=new_id(),
        fingerprint=f"stripe/{seen.id}",
        channel="stripe",
        received_on=clock.day_of(seen.charged_at or at),
        payer=f"{invoice.recipient['name']}({rules.ONLINE_METHODS.get(seen.method or '', seen.method)})",
        amount_jpy=seen.received_jpy,
        reference=seen.id,
        unapplied_jpy=seen.received_jpy,
        returned_jpy=0,
        recorded_at=at,
        recorded_by=payment.begun_by,
    )
    if invoice.due_jpy < seen.received_jpy:
        receipt.reason = "over" if invoice.due_jpy else "settled"
    collecting.receive(receipt, invoice, at=at)
    payment.receipt_id, payment.state, payment.settled_at = receipt.id, "succeeded", at
    payment.reason = None
    return invoice


# ---- money back


def send_back(note: CreditNote, *, at: datetime) -> int:
    """Have a credit note's money go back the way it came, as far as it came through Stripe; how many yen that are.

    A row for each payment it is taken from; a job makes the calls.
    """
    left = note.repaid_jpy
    for payment, applied in _payments_of(note.invoice_id):
        part = min(left, applied, refundable(payment))
        if part and stripe_gateway.is_on():
            _intend_refund(payment, part, note, at)
            left -= part
    return note.repaid_jpy - left


def _payments_of(invoice_id: str) -> list[tuple[OnlinePayment, int]]:
    """The payments through Stripe that paid an invoice, and how much of it."""
    query = select(OnlinePayment, func.sum(Application.amount_jpy))
    query = query.join(Application, Application.receipt_id == OnlinePayment.receipt_id)
    query = (
        query.where(Application.invoice_id == invoice_id, ~Application.borne, Application.released_at.is_(None))
        .group_by(OnlinePayment.id)
        .order_by(OnlinePayment.id)
    )
    return [(payment, int(applied)) for payment, applied in session.execute(query)]


def refundable(payment: OnlinePayment) -> int:
    """What of a payment can still be sent back through Stripe, in yen."""
    session.flush()
    refunded = select(func.coalesce(func.sum(OnlineRefund.amount_jpy), 0)).where(
        OnlineRefund.payment_id == payment.id, OnlineRefund.state != "failed"
    )
    lost = select(func.coalesce(func.sum(PaymentDispute.amount_jpy), 0)).where(
        PaymentDispute.payment_id == payment.id, PaymentDispute.state == "lost"
    )
    gone = int(session.scalar(refunded) or 0) + int(session.scalar(lost) or 0)
    return max(0, receipt_of(payment).amount_jpy - gone)


def _intend_refund(payment: OnlinePayment, amount_jpy: int, note: CreditNote | None, at: datetime) -> OnlineRefund:
    row = OnlineRefund(
        id=new_id(),
        payment_id=payment.id,
        credit_note_id=note.id if note else None,
        amount_jpy=amount_jpy,
        state="intended",
        begun_at=at,
    )
    session.add(row)
    session.flush()
    jobs.enqueue("stripe-refund", {"refund_id": row.id}, at=at, key=f"stripe-refund/{row.id}")
    return row


def payment_behind(receipt: Receipt) -> OnlinePayment | None:
    """The payment through Stripe that a receipt is of."""
    return session.scalars(select(OnlinePayment).where(OnlinePayment.receipt_id == receipt.id)).first()


def give_back(receipt: Receipt, *, note: str, at: datetime) -> int:
    """Have what of a payment pays nothing go back the way it came; the amount in yen.

    Raises `WrongState` when Stripe cannot take it back any more.
    """
    payment, amount = payment_behind(receipt), receipt.unapplied_jpy
    if payment is None or refundable(payment) < amount or not stripe_gateway.is_on():
        raise WrongState(
            text("この入金は決済代行会社から返金できません。請求書に消し込むか、運営者にご確認ください。"), state="kept"
        )
    release_unapplied(receipt, payment, amount, at=at)
    receipt.return_note = note
    _intend_refund(payment, amount, None, at)
    return amount


def release_unapplied(receipt: Receipt, payment: OnlinePayment, amount_jpy: int, *, at: datetime) -> None:
    """Book that unapplied money is owed back to its payer (仮受金 → 未払金)."""
    receipt.unapplied_jpy, receipt.returned_jpy = receipt.unapplied_jpy - amount_jpy, receipt.returned_jpy + amount_jpy
    ledger.post(
        f"receipt/{receipt.id}/returned/{receipt.returned_jpy}",
        [Move(amount_jpy, ledger.refunds(payment.payer_id), UNAPPLIED)],
        at=at,
        booked_on=clock.day_of(at),
        reference=f"receipt/{receipt.id}",
        words=f"仮受金の返還 {receipt.payer}",
    )


def follow_refund(row: OnlineRefund, payment: OnlinePayment, seen: RefundSeen, *, at: datetime) -> bool:
    """Book how a refund stands: the money left Stripe, or came back because it could not be delivered.

    Whether it failed just now, and a person has to send the money by bank transfer.
    """
    if row.state == "failed":
        return False
    row.refund_id, row.state, row.reason = seen.id, rules.refund_state(seen.status), seen.reason
    if row.state == "succeeded" and row.entry_id is None:
        row.entry_id, row.settled_at = _book_refund(row, payment, at), at
    if row.state == "failed":
        _unbook_refund(row, at)
    _settle_note(row, at)
    return row.state == "failed"


def _book_refund(row: OnlineRefund, payment: OnlinePayment, at: datetime) -> str:
    entry = ledger.post(
        f"online-refund/{row.id}",
        [Move(row.amount_jpy, STRIPE, ledger.refunds(payment.payer_id))],
        at=at,
        booked_on=clock.day_of(at),
        reference=f"invoice/{payment.invoice_id}",
        words="決済代行会社を通じた返金",
    )
    return entry.id


def _unbook_refund(row: OnlineRefund, at: datetime) -> None:
    row.settled_at = at
    if row.entry_id is not None:
        ledger.reverse(row.entry_id, at=at, booked_on=clock.day_of(at), words="決済代行会社を通じた返金の不成立")
        row.entry_id = None


def _settle_note(row: OnlineRefund, at: datetime) -> None:
    """A credit note's money is back once all of it is, the part by bank transfer too."""
    if row.credit_note_id is None:
        return
    session.flush()
    note = session.get_one(CreditNote, row.credit_note_id, populate_existing=True)
    rows = list(session.scalars(select(OnlineRefund).where(OnlineRefund.credit_note_id == note.id)))
    is_all_online = sum(each.amount_jpy for each in rows) == note.repaid_jpy
    if is_all_online:
        done = all(each.state == "succeeded" or each.sent_at for each in rows)
        note.repaid_at = (note.repaid_at or at) if done else None


def refuse_refund(row: OnlineRefund, code: str, *, at: datetime) -> None:
    """Stripe would not take a refund: it has to be sent by bank transfer."""
    row.state, row.reason = "failed", code
    _unbook_refund(row, at)


def send_by_bank(row: OnlineRefund, payment: OnlinePayment, *, at: datetime) -> None:
    """Book that a refund which failed at Stripe was sent to the payer's bank account."""
    row.sent_at = at
    ledger.post(
        f"online-refund/{row.id}/by-bank",
        [Move(row.amount_jpy, BANK, ledger.refunds(payment.payer_id))],
        at=at,
        booked_on=clock.day_of(at),
        reference=f"invoice/{payment.invoice_id}",
        words="返金の振込",
    )
    _settle_note(row, at)


def by_bank_jpy(note: CreditNote) -> int:
    """What of a credit note's money goes back by bank transfer, in yen: all that does not go through Stripe."""
    query = select(func.coalesce(func.sum(OnlineRefund.amount_jpy), 0)).where(OnlineRefund.credit_note_id == note.id)
    return note.repaid_jpy - int(session.scalar(query) or 0)


def take_foreign_refund(
    payment: OnlinePayment, seen: RefundSeen, note: CreditNote | None, *, unapplied_jpy: int, at: datetime
) -> OnlineRefund:
    """A refund that somebody made at Stripe by hand: what our books have no ground for is the exchange's loss.

    The caller has credited the invoice (`note`) and released unapplied money before, as far as there was any.
    """
    row = _intend_refund(payment, seen.amount_jpy, note, at)
    groundless = seen.amount_jpy - unapplied_jpy - (note.repaid_jpy if note else 0)
    if groundless:
        ledger.post(
            f"online-refund/{row.id}/loss",
            [Move(groundless, ledger.refunds(payment.payer_id), LOSSES)],
            at=at,
            booked_on=clock.day_of(at),
            reference=f"invoice/{payment.invoice_id}",
            words="根拠のない返金(決済代行会社の管理画面)",
        )
    follow_refund(row, payment, seen, at=at)
    return row


# ---- objections


def refuse_if_disputed(invoice_id: str) -> None:
    """Raises `WrongState` while a payer objects to a payment of an invoice: Stripe refunds nothing of it then."""
    query = select(PaymentDispute.id).join(OnlinePayment, OnlinePayment.id == PaymentDispute.payment_id)
    query = query.join(Application, Application.receipt_id == OnlinePayment.receipt_id)
    query = query.where(Application.released_at.is_(None))
    if session.scalar(query.where(Application.invoice_id == invoice_id, PaymentDispute.state == "open").limit(1)):
        raise _disputed()


def refuse_if_receipt_disputed(receipt: Receipt) -> None:
    """Raises `WrongState` while the payer of a receipt objects to it."""
    query = select(PaymentDispute.id).join(OnlinePayment, OnlinePayment.id == PaymentDispute.payment_id)
    if session.scalar(query.where(OnlinePayment.receipt_id == receipt.id, PaymentDispute.state == "open").limit(1)):
        raise _disputed()


def _disputed() -> WrongState:
    words = text("カード会社で異議申立ての審査中です。結果が出るまで、この入金は動かせません。")
    return WrongState(words, state="disputed", allowed=[])


def open_dispute(payment: OnlinePayment, seen: DisputeSeen, *, at: datetime) -> PaymentDispute:
    """A payer objects: what it paid is taken out of the provider's payout until the card network decides.

    What left in an earlier payout cannot be held any more, and says so.
    """
    row = PaymentDispute(
        id=new_id(),
        dispute_id=seen.id,
        payment_id=payment.id,
        amount_jpy=seen.amount_jpy,
        reason=seen.reason,
        state="open",
        answer_by=seen.answer_by,
        opened_at=at,
        unfrozen_jpy=0,
    )
    session.add(row)
    session.flush()
    for application, part in _disputed_parts(payment, row):
        _freeze(row, application, part, at)
    return row


def _disputed_parts(payment: OnlinePayment, row: PaymentDispute) -> list[tuple[Application, int]]:
    """What of each invoice an objection touches, after what pays none."""
    receipt = receipt_of(payment)
    left, parts = max(0, row.amount_jpy - receipt.unapplied_jpy), []
    query = select(Application).where(Application.receipt_id == receipt.id, ~Application.borne)
    query = query.where(Application.released_at.is_(None))
    for application in session.scalars(query.order_by(Application.id)):
        part = min(left, application.amount_jpy)
        if part:
            parts.append((application, part))
            left -= part
    return parts


def _freeze(row: PaymentDispute, application: Application, part: int, at: datetime) -> None:
    invoice = session.get_one(Invoice, application.invoice_id)
    if invoice.kind == "fee":  # the exchange's own money: no payout holds it
        return
    query = select(Payout.state).join(PayoutLine, PayoutLine.payout_id == Payout.id)
    if session.scalar(query.where(PayoutLine.application_id == (application.first_id or application.id))) != "due":
        row.unfrozen_jpy += part
        return
    fee = rules.part_of_fee(application.fee_jpy, part_jpy=part, whole_jpy=application.amount_jpy)
    words = f"{invoice.number} 異議申立てによる支払いの保留"
    payouts.add_dispute(invoice, row, -part, -fee, words=words, at=at)
    held, net = ledger.deposits(invoice.issuer_id), part - fee
    short = max(0, net - ledger.held(held))
    _book_dispute(
        f"dispute/{row.id}/frozen/{invoice.id}",
        [Move(short, held, ledger.advances(invoice.issuer_id)), Move(net, ledger.frozen(invoice.issuer_id), held)],
        invoice,
        words,
        at,
    )


def _book_dispute(cause: str, moves: list[Move], invoice: Invoice, words: str, at: datetime) -> None:
    if any(move.amount_jpy for move in moves):
        reference = f"invoice/{invoice.id}"
        ledger.post(cause, moves, at=at, booked_on=clock.day_of(at), reference=reference, words=words)


def follow_dispute(row: PaymentDispute, payment: OnlinePayment, seen: DisputeSeen, *, at: datetime) -> bool:
    """Book what an objection moved at Stripe, and its end: the money is free again, or taken back for good.

    Whether it was closed just now.
    """
    was_lost = row.state == "lost"
    for movement in seen.movements:
        _book_disputed(row, payment, movement, was_lost, at)
    state = rules.dispute_state(seen.status)
    if row.state != "open" or state == "open":
        return False
    _thaw(row, at)
    if state == "lost":
        _lose(row, payment, at)
    row.state, row.closed_at = state, at
    return True


def _book_disputed(row: PaymentDispute, payment: OnlinePayment, move: Movement, was_lost: bool, at: datetime) -> None:
    cause = f"stripe/{move.id}/disputed"
    if not move.amount_jpy or ledger.is_booked(cause):
        return
    invoice = invoice_of(payment)
    if move.amount_jpy < 0:
        moves = [Move(-move.amount_jpy, STRIPE, DISPUTED)]
    elif was_lost:  # an appeal brought back what was taken for lost: it pays the invoice once more
        return _take_back(payment, move, invoice, at)
    else:
        moves = [Move(move.amount_jpy, DISPUTED, STRIPE)]
    _book_dispute(cause, moves, invoice, "異議申立てによる入金の留保", at)


def _take_back(payment: OnlinePayment, move: Movement, invoice: Invoice, at: datetime) -> None:
    fingerprint = f"stripe/{move.id}"
    if session.scalar(select(Receipt.id).where(Receipt.fingerprint == fingerprint)):
        return
    receipt = Receipt(
        id=new_id(),
        fingerprint=fingerprint,
        channel="stripe",
        received_on=clock.day_of(move.at),
        payer=receipt_of(payment).payer,
        amount_jpy=move.amount_jpy,
        reference=move.id,
        unapplied_jpy=move.amount_jpy,
        returned_jpy=0,
        reason="settled" if invoice.due_jpy < move.amount_jpy else None,
        recorded_at=at,
        recorded_by=None,
    )
    collecting.receive(receipt, invoice, at=at)


def _thaw(row: PaymentDispute, at: datetime) -> None:
    """Give back to each provider's payout exactly what was held."""
    sums = select(PayoutLine.invoice_id, func.sum(PayoutLine.gross_jpy), func.sum(PayoutLine.fee_jpy))
    for invoice_id, gross, fee in session.execute(
        sums.where(PayoutLine.dispute_id == row.id).group_by(PayoutLine.invoice_id)
    ).all():
        invoice = session.get_one(Invoice, invoice_id)
        words = f"{invoice.number} 異議申立てによる保留の解除"
        payouts.add_dispute(invoice, row, -int(gross), -int(fee), words=words, at=at)
        net, provider = int(fee) - int(gross), invoice.issuer_id
        repaid = min(ledger.held(ledger.advances(provider)), net)
        held = ledger.deposits(provider)
        moves = [Move(net, held, ledger.frozen(provider)), Move(repaid, ledger.advances(provider), held)]
        _book_dispute(f"dispute/{row.id}/thawed/{invoice.id}", moves, invoice, words, at)


def _lose(row: PaymentDispute, payment: OnlinePayment, at: datetime) -> None:
    """The payer has its money back: from what paid nothing first, then from what it paid; the rest is our loss."""
    receipt, invoice = receipt_of(payment), invoice_of(payment)
    idle, parts = min(row.amount_jpy, receipt.unapplied_jpy), _disputed_parts(payment, row)
    receipt.unapplied_jpy, receipt.returned_jpy = receipt.unapplied_jpy - idle, receipt.returned_jpy + idle
    left = row.amount_jpy - idle
    for application, part in parts:
        paid = session.get_one(Invoice, application.invoice_id, populate_existing=True)
        undone = min(part, paid.paid_jpy - paid.refunded_jpy)
        if undone:
            collecting.undo_payment(paid, undone, row, at=at)
            left -= undone
    moves = [Move(idle, DISPUTED, UNAPPLIED), Move(left, DISPUTED, LOSSES)]
    _book_dispute(f"dispute/{row.id}/lost", moves, invoice, "異議申立てによる損失", at)


# ---- the balance at Stripe

PAYOUTS = ("payout", "payout_failure", "payout_cancel")
COSTS = ("stripe_fee", "stripe_fx_fee", "tax_fee", "contribution")


def take_movement(seen: Movement, *, at: datetime) -> bool:
    """Book the fee of a movement of the balance, and money on its way to the bank; whether it was new.

    The amounts of payments, refunds and objections are booked with those.
    """
    row = {
        "id": seen.id,
        "type": seen.type,
        "amount_jpy": seen.amount_jpy,
        "fee_jpy": seen.fee_jpy,
        "source_id": seen.source_id,
        "at": seen.at,
        "seen_at": at,
    }
    made = insert(StripeMovement).values(row).on_conflict_do_nothing().returning(StripeMovement.id)
    if session.scalar(made) is None:
        return False
    cost = seen.fee_jpy - (seen.amount_jpy if seen.type in COSTS else 0)
    moves = [_signed(cost, PROCESSING_TAXED if seen.is_fee_taxed else PROCESSING)]
    if seen.type in PAYOUTS:
        moves.append(_signed(-seen.amount_jpy, STRIPE_TRANSIT))
    if any(move.amount_jpy for move in moves):
        day = collecting.booking_day(clock.day_of(seen.at), at)
        words = f"決済代行会社 {'入金手続' if seen.type in PAYOUTS else '手数料'} {seen.source_id or seen.id}"
        ledger.post(f"stripe/{seen.id}", moves, at=at, booked_on=day, reference=f"stripe/{seen.id}", words=words)
    return True


def _signed(amount_jpy: int, place: ledger.Place) -> Move:
    """From Stripe to a place, or back where the amount is below zero."""
    return Move(amount_jpy, STRIPE, place) if amount_jpy >= 0 else Move(-amount_jpy, place, STRIPE)


def recognize_arrivals(*, at: datetime) -> int:
    """Money from Stripe that a bank statement brought: no buyer's, but our own balance arriving. How many there were.

    Recognized by the payer's name and the amount to the yen, within two weeks.
    """
    query = select(Receipt).where(Receipt.channel == "bank", Receipt.unapplied_jpy == Receipt.amount_jpy)
    waiting = [r for r in session.scalars(query.order_by(Receipt.id)) if rules.is_from_stripe(r.payer)]
    return sum(_arrive(receipt, at) for receipt in waiting)


def _arrive(receipt: Receipt, at: datetime) -> bool:
    query = select(StripeMovement).where(
        StripeMovement.type == "payout",
        StripeMovement.receipt_id.is_(None),
        StripeMovement.amount_jpy == -receipt.amount_jpy,
    )
    for movement in session.scalars(query.order_by(StripeMovement.at)):
        if timedelta(0) <= receipt.received_on - clock.day_of(movement.at) <= ARRIVES_WITHIN:
            movement.receipt_id, receipt.unapplied_jpy, receipt.reason = receipt.id, 0, None
            ledger.post(
                f"stripe/{movement.id}/arrived",
                [Move(receipt.amount_jpy, STRIPE_TRANSIT, UNAPPLIED)],
                at=at,
                booked_on=clock.day_of(at),
                reference=f"receipt/{receipt.id}",
                words="決済代行会社からの入金",
            )
            return True
    return False
