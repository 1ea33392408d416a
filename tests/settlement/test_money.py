"""Money in, back and out: every yen is where it belongs."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from contracts.models import Contract
from exchange import clock, database
from exchange.database import session
from exchange.identity.queries import organization
from settlement import actions, bank, ledger
from settlement.amending import LineChange
from settlement.models import Application, Entry, Invoice, Payout, Receipt, Transfer
from tests.settlement.conftest import MONTHLY, ONE_OFF, TOLD, last_month


def test_a_paid_invoice_makes_the_provider_s_payout_due(market):
    invoice = market.invoice()
    assert market.balances() == {"billed": 11_000, "uncollected": 11_000}
    market.pays(invoice)
    paid = market.seen(invoice)
    assert (paid["state"], paid["paid_jpy"], paid["due_jpy"]) == ("paid", 11_000, 0)
    assert market.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}
    (payout,) = market.payouts()
    assert (payout["gross_jpy"], payout["fee_jpy"], payout["amount_jpy"], payout["state"]) == (
        11_000,
        1_000,
        10_000,
        "due",
    )
    assert market.payouts(market.buyer) == []


def test_the_same_statement_twice_changes_nothing(market):
    invoice = market.invoice()
    first, again = market.pays(invoice), market.pays(invoice)
    assert [r["id"] for r in first["matched"]] == [r["id"] for r in again["matched"]]
    assert (first["new"], again["new"]) == (1, 0)
    assert market.seen(invoice)["paid_jpy"] == 11_000 and market.balances()["bank"] == 11_000


def test_two_equal_lines_of_one_statement_are_two_payments(market):
    invoice = market.invoice()
    line = f"{clock.today()},カ)チズ,5500,{invoice['payment_reference']}"
    assert market.statement(line, line).json["new"] == 2
    assert market.statement(line, line).json["new"] == 0
    assert market.seen(invoice)["state"] == "paid"


def test_parts_pay_an_invoice_without_losing_a_yen_of_fee(market):
    invoice = market.invoice(ONE_OFF | {"price_jpy": 9_999})
    for amount in (1, 3_333, 7_663):
        market.pays(invoice, amount)
    market.pays(invoice, 1, payer="最後")
    assert market.seen(invoice)["paid_jpy"] == invoice["total_jpy"] == 10_998
    assert market.balances() == {"bank": 10_998, "deposits": 10_998 - 999, "fees": 999}


def test_what_is_paid_too_much_waits_for_a_person(market):
    invoice = market.invoice()
    answer = market.pays(invoice, 12_000)
    assert answer["matched"][0]["unapplied_jpy"] == 1_000 and answer["matched"][0]["reason"] == "over"
    assert market.balances() == {"bank": 12_000, "unapplied": 1_000, "deposits": 10_000, "fees": 1_000}


@pytest.mark.parametrize("reference", ["", "123456789", "0000"])
def test_money_without_a_known_reference_waits_for_a_person(market, reference):
    market.invoice()
    answer = market.statement(f"{clock.today()},ナゾ,500,{reference}")
    assert answer.json["matched"] == [] and answer.json["unmatched"][0]["reason"] == "unknown"
    assert market.balances()["unapplied"] == 500


def test_unapplied_money_pays_an_invoice_on_instruction_or_goes_back(market):
    invoice = market.invoice()
    answer = market.statement(f"{clock.today()},カ)チズ,15000,").json
    receipt = answer["unmatched"][0]["id"]
    with database.transaction():
        actions.apply_receipt(
            receipt, reference=invoice["payment_reference"], instruction=TOLD, by=market.admin.member, at=clock.now()
        )
    assert market.seen(invoice)["state"] == "paid" and market.balances()["unapplied"] == 4_000
    with database.transaction():
        actions.return_receipt(receipt, note="同じ口座へ返金", by=market.admin.member, at=clock.now())
    assert market.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        (["2026-13-01,x,100,"], "line 2"),
        (["2999-01-01,x,100,"], "line 2"),
        (["2026-01-01,x,0,"], "line 2"),
        (["2026-01-01,x,-5,"], "line 2"),
        (["2026-01-01,x,1.5,"], "line 2"),
        (["2026-01-01,x"], "line 2"),
        (["2026-01-01,x,100,", "2026-01-01,x,10000000000000000000000,"], "line 3"),
    ],
)
def test_a_statement_with_an_unreadable_line_is_refused_whole(market, lines, field):
    answer = market.statement(*lines)
    assert answer.status_code == 422 and field in answer.json["errors"]
    assert market.balances() == {}


def test_a_statement_of_another_layout_is_refused(market):
    assert market.statement("2026-01-01,x,1,", header="日付,名前,金額,摘要").status_code == 422  # came or went?
    assert market.admin.post("/bank-statements", data=b"", headers={"Content-Type": "text/csv"}).status_code == 422
    assert market.statement(who=market.provider).status_code == 403


def test_a_statement_may_come_in_shift_jis_with_wide_digits(market):
    invoice = market.invoice()
    row = f'{clock.today():%Y/%m/%d},カ)チズ,"１１,０００円",振込 {invoice["payment_reference"]}'
    body = f"date,payer,amount_jpy,reference\r\n{row}\r\n".encode("cp932")
    assert market.admin.post("/bank-statements", data=body, headers={"Content-Type": "text/csv"}).status_code == 200
    assert market.seen(invoice)["state"] == "paid"


def test_a_prepaid_contract_is_opened_by_its_payment(market):
    from contracts.models import Contract

    contract_id = market.contract(ONE_OFF | {"payment": "prepaid"})
    (invoice,) = market.invoices(contract_id=contract_id)
    market.pays(invoice, 10_999)
    session.remove()
    assert session.get(Contract, contract_id).paid_at is None
    market.pays(invoice, 1)
    session.remove()
    assert session.get(Contract, contract_id).paid_at is not None


# ---- refunds


def refund(market, invoice, amount, who=None):
    return (who or market.admin).post(
        f"/invoices/{invoice['id']}/refund", {"amount_jpy": amount, "reason": "データの誤り"}
    )


def test_a_refund_before_payment_lowers_what_is_due(market):
    invoice = market.invoice()
    note = refund(market, invoice, 1_100)
    assert note.status_code == 201 and note.json["title"] == "適格返還請求書"
    assert (note.json["taxable_jpy"], note.json["tax_jpy"], note.json["repaid_jpy"]) == (1_000, 100, 0)
    assert market.seen(invoice)["due_jpy"] == 9_900
    market.pays(invoice, 9_900)
    assert market.seen(invoice)["state"] == "paid"
    assert market.balances() == {"bank": 9_900, "deposits": 9_000, "fees": 900}


def test_a_refund_after_payment_gives_back_the_fee_in_proportion(market):
    invoice = market.invoice()
    market.pays(invoice)
    assert refund(market, invoice, 11_000).json["repaid_jpy"] == 11_000
    assert market.seen(invoice)["state"] == "credited"
    assert market.balances() == {"bank": 11_000, "refunds": 11_000}
    assert market.payouts()[0]["amount_jpy"] == 0


def test_a_refund_after_payout_is_carried_to_the_next_payout(market):
    invoice = market.invoice()
    market.pays(invoice)
    market.set_accounts()
    assert market.admin.post("/payouts/batch", {}).status_code == 201
    refund(market, invoice, 11_000)
    assert market.balances()["advances"] == 10_000
    assert [p["amount_jpy"] for p in market.payouts()] == [-10_000, 10_000]
    market.pays(market.invoice(ONE_OFF | {"price_jpy": 30_000}))
    assert market.payouts()[0]["amount_jpy"] == 20_000
    assert market.balances()["deposits"] == 20_000 and "advances" not in market.balances()


@pytest.mark.parametrize("amount", [0, -1, 11_001, 10**13])
def test_no_refund_above_what_is_left(market, amount):
    invoice = market.invoice()
    assert refund(market, invoice, amount).status_code == 422
    assert refund(market, invoice, 5, who=market.provider).status_code == 403


def test_a_credited_invoice_takes_no_more_refunds(market):
    invoice = market.invoice()
    refund(market, invoice, 11_000)
    assert market.seen(invoice)["state"] == "credited"
    answer = refund(market, invoice, 1)
    assert answer.status_code == 409 and answer.json["state"] == "credited"


def test_a_credit_note_has_its_own_document(market):
    invoice = market.invoice()
    note = refund(market, invoice, 1_100).json
    market.world.work()
    answer = market.buyer.get(note["document"]["url"].removeprefix("/api/v1"))
    assert answer.data.startswith(b"%PDF") and market.seen(invoice)["credit_notes"][0]["document"]["sha256"]


# ---- payouts


def test_a_transfer_file_needs_the_operator_s_and_the_provider_s_accounts(market):
    assert market.admin.post("/payouts/batch", {}).json["missing"][0]["what"]
    market.set_accounts(provider=False)
    assert market.admin.post("/payouts/batch", {}).json["type"] == "/problems/nothing-to-pay"
    market.pays(market.invoice())
    answer = market.admin.post("/payouts/batch", {})
    assert answer.status_code == 409 and answer.json["missing"][0]["whose"] == "株式会社みなとデータ"


def test_a_payout_leaves_in_one_transfer_file_and_is_sent_once(market):
    market.pays(market.invoice())
    market.set_accounts()
    made = market.admin.post("/payouts/batch", {})
    assert made.status_code == 201 and (made.json["count"], made.json["total_jpy"]) == (1, 10_000)
    assert market.payouts()[0]["batch_id"] == made.json["id"] and market.payouts()[0]["state"] == "batched"
    assert market.admin.post("/payouts/batch", {}).status_code == 409
    file = market.admin.get(made.json["url"].removeprefix("/api/v1"))
    records = file.data.split(b"\r\n")[:-1]
    assert [len(r) for r in records] == [120] * 4 and [r[:1] for r in records] == [b"1", b"2", b"8", b"9"]
    assert records[1][80:90] == b"0000010000" and records[2][1:19] == b"000001000000010000"
    sent = f"/payouts/batch/{made.json['id']}/sent"
    assert [market.admin.post(sent).status_code for _ in range(2)] == [200, 409]
    assert market.balances() == {"bank": 1_000, "fees": 1_000}


def test_no_money_goes_to_a_municipality(market):
    city = market.world.city()
    at = clock.now()
    with database.transaction():
        payout = Payout(
            provider_id=city.organization_id, opened_at=at, due_on=at.date(), gross_jpy=1, fee_jpy=0, amount_jpy=1
        )
        session.add(payout)
        session.flush()
        assert "公金" in actions.why_not_payable(payout, organization(city.organization_id), [], today=at.date())[0]


PAYING = ["pay", "refund", "batch", "sent", "apply", "short", "bounce", "discard", "give back"]
DEEDS = ["sell", "subscribe", "close", "correct", "correct amounts", "correct amounts", "void", *PAYING]
# A deed, an amount, and whether the machine dies between the deed and its commit; then it is done again.
STEPS = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(1, 30_000), st.booleans()), max_size=18)


class Died(Exception):
    """The machine, before it could commit."""


@given(STEPS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_yen_appears_or_vanishes_whatever_happens(market, steps):
    market.set_accounts()
    admin, at = market.admin.member, clock.now()
    for number, (deed, amount, dies) in enumerate(steps):
        if deed in ("sell", "subscribe"):
            _contract(market, deed, amount)
        before = _stands()
        if dies:
            with pytest.raises(Died), database.transaction():
                _do(market, deed, amount, number, admin, at)
                raise Died
            assert _stands() == before, "nothing half-done is left"
        with database.transaction():
            _do(market, deed, amount, number, admin, at)
        _check_books(market)


def _contract(market, deed, amount):
    session.rollback()
    if deed == "sell":
        market.contract(ONE_OFF | {"price_jpy": amount})
    else:
        market.contract(MONTHLY | {"price_jpy": amount}, at=last_month()[1])


def _stands():
    """What is there, in rows."""
    tables = (Invoice, Receipt, Application, Payout, Transfer, Entry)
    counted = [session.scalar(select(func.count()).select_from(table)) for table in tables]
    session.rollback()
    return counted


def _do(market, deed, amount, number, admin, at):
    from exchange.errors import DomainError

    if deed == "sell":
        actions.issue_what_is_due(at=at)
        return
    if deed == "close":
        month, after = last_month()[0], None
        actions.close_month(month, by=admin, at=at)
        while after := actions.continue_close(month, after=after, at=at):
            pass
        return
    invoices = session.query(Invoice).order_by(Invoice.id).all()
    try:
        with session.begin_nested():
            if deed == "batch":
                actions.make_batch(by=admin, at=at)
            elif deed == "sent":
                batch = session.query(Payout).filter(Payout.state == "batched").first()
                if batch:
                    actions.record_batch_sent(batch.batch_id, by=admin, at=at)
            elif deed in ("bounce", "discard", "give back"):
                _undo(deed, admin, at)
            elif invoices and deed == "correct":
                changes = {"recipient_name": f"地図製作 {number}"}
                actions.correct(invoices[amount % len(invoices)].id, changes=changes, reason="x", by=admin, at=at)
            elif invoices and deed == "correct amounts":
                change = LineChange(position=1, amount_jpy=amount)
                invoice_id = invoices[number % len(invoices)].id
                actions.correct_amounts(invoice_id, changes=[change], reason="x", by=admin, at=at)
            elif invoices and deed == "void":
                invoice = invoices[amount % len(invoices)]
                session.execute(update(Contract).where(Contract.id == invoice.contract_id).values(state="suspended"))
                actions.void(invoice.id, reason="x", by=admin, at=at)
            elif invoices and deed == "refund":
                actions.refund(invoices[amount % len(invoices)].id, amount_jpy=amount, reason="x", by=admin, at=at)
            elif invoices:
                invoice = invoices[amount % len(invoices)]
                reference = invoice.payment_reference if deed == "pay" else ""
                payer = f"{number} {clock.real_now().timestamp()}"
                receipt = actions.record_payment(
                    received_on=at.date(), payer=payer, amount_jpy=amount, reference=reference, by=admin, at=at
                )
                if deed == "short":
                    actions.bear_charge(invoice.id, bearer="exchange", instruction=TOLD, by=admin, at=at)
                if deed == "apply":
                    reference = invoice.payment_reference
                    actions.apply_receipt(receipt.id, reference=reference, instruction=TOLD, by=admin, at=at)
    except DomainError:
        pass


def _undo(deed, admin, at):
    """A transfer comes back, a file is given up, or unapplied money goes back to its payer."""
    payout = session.query(Payout).filter(Payout.state.in_(["batched", "sent"])).first()
    waiting = session.query(Receipt).filter(Receipt.unapplied_jpy > 0).first()
    if deed == "give back" and waiting:
        actions.return_receipt(waiting.id, note="x", by=admin, at=at)
    elif deed == "discard" and payout:
        actions.discard_batch(payout.batch_id, reason="x", by=admin, at=at)
    elif deed == "bounce" and payout:
        actions.record_payout_returned(payout.id, reason="x", by=admin, at=at)


def _check_books(market):
    provider, buyer = market.provider.organization_id, market.buyer.organization_id
    invoices = session.query(Invoice).filter(Invoice.state.not_in(["void", "replaced"])).all()
    due = sum(i.due_jpy for i in invoices)
    assert ledger.balance(ledger.billed(buyer)) == ledger.balance(ledger.uncollected(provider)) == due
    owed = sum(i.paid_jpy - i.refunded_jpy - i.fee_taken_jpy for i in invoices)
    gone = sum(p.amount_jpy for p in session.query(Payout) if p.state in ("batched", "sent"))
    held = ledger.balance(ledger.deposits(provider)) - ledger.balance(ledger.advances(provider))
    assert held == owed - gone == sum(p.amount_jpy for p in session.query(Payout) if p.state == "due")
    receipts = session.query(Receipt).all()
    unapplied, back = sum(r.unapplied_jpy for r in receipts), sum(r.returned_jpy for r in receipts)
    applied = session.query(Application).filter(Application.released_at.is_(None)).all()
    borne = sum(a.amount_jpy for a in applied if a.borne)
    sent = sum(p.amount_jpy for p in session.query(Payout) if p.state == "sent")
    assert ledger.balance(ledger.UNAPPLIED) == unapplied and ledger.balance(ledger.TRANSFER_CHARGES) == borne
    assert ledger.balance(ledger.BANK) == sum(r.amount_jpy for r in receipts) - back - sent
    assert sum(a.amount_jpy for a in applied) == sum(i.paid_jpy for i in invoices)
    assert sum(a.amount_jpy for a in applied if not a.borne) == sum(
        r.amount_jpy - r.unapplied_jpy - r.returned_jpy for r in receipts
    )
    assert ledger.balance(ledger.FEES) == sum(i.fee_taken_jpy for i in invoices)
    for i in invoices:
        assert i.fee_taken_jpy == i.fee_jpy * (i.paid_jpy - i.refunded_jpy) // i.total_jpy
    _check_replaced()
    session.rollback()


def _check_replaced():
    """Whatever was replaced is no longer owed, and exactly one invoice stands in its place."""
    every = session.query(Invoice).all()
    chains = [[i for i in every if (i.first_id or i.id) == first] for first in {i.first_id or i.id for i in every}]
    assert all(
        [i.state != "replaced" for i in sorted(c, key=lambda i: i.revision)] == [False] * (len(c) - 1) + [True]
        for c in chains
    )
    booked = {e.reference for e in session.query(Entry) if e.cause.endswith("/issued") and not _reversed(e)}
    assert booked == {f"invoice/{i.id}" for i in every if i.state not in ("void", "replaced") and i.kind == "sale"}


def _reversed(entry):
    return session.query(Entry.id).filter(Entry.reverses_id == entry.id).first() is not None


# ---- bank files


@pytest.mark.parametrize(
    ("written", "kana"),
    [
        ("株式会社みなと", "ﾐﾅﾄ"),
        ("カ)ミナトデータ", "ｶ)ﾐﾅﾄﾃﾞ-ﾀ"),
        ("パーティー ショップ", "ﾊﾟ-ﾃｲ- ｼﾖﾂﾌﾟ"),
        ("abc 123", "ABC 123"),
        ("ヴィラ「森」", "ｳﾞｲﾗ"),
        ("がぎぐげご", "ｶﾞｷﾞｸﾞｹﾞｺﾞ"),
        ("ｶ)ﾐﾅﾄ", "ｶ)ﾐﾅﾄ"),
    ],
)
def test_names_are_written_as_transfer_files_take_them(written, kana):
    assert bank.zengin_text(written, 30).rstrip() == kana


@given(st.text(max_size=60), st.integers(1, 40))
def test_any_name_fills_exactly_its_bytes(written, width):
    assert len(bank.zengin_text(written, width).replace("¥", "\\").encode("cp932")) == width


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("11000", 11000),
        ("11,000", 11000),
        ("１１，０００円", 11000),
        ("¥1", 1),
        ("1,1", None),
        ("", None),
        ("0", None),
        ("1e3", None),
        ("-1", None),
        ("二", None),
    ],
)
def test_amounts_are_read_as_people_write_them(written, amount):
    assert bank.read_amount(written) == amount
