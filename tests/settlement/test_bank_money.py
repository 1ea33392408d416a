"""Money by bank, in and out: what matches by itself, what waits for a person, what leaves and what comes back."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from exchange import bank_days, clock, database
from exchange.database import session
from exchange.identity.models import BankAccountChange, Organization
from settlement import actions, matching, rules
from settlement.models import Application, Payout, Receipt
from tests.settlement.conftest import ACCOUNT, ONE_OFF, jst
from tests.settlement.test_bank_files import movements

APPLY = {"told_by": "地図製作 経理", "told_on": "2026-01-05", "told_how": "電話で確認"}


def named(market, *names):
    with database.transaction():
        session.get(Organization, market.buyer.organization_id).payer_names = list(names)


def came(market, amount, payer="カ）チズセイサク", reference="", on=None):
    answer = market.statement(f"{on or clock.today()},{payer},{amount},{reference}")
    assert answer.status_code == 200, answer.json
    return (answer.json["matched"] + answer.json["unmatched"])[0]


# ---- matching


def test_amount_and_name_match_where_exactly_one_invoice_fits(market):
    named(market, "ｶ)ﾁｽﾞｾｲｻｸ")
    invoice, other = market.invoice(), market.invoice(ONE_OFF | {"price_jpy": 20_000})
    receipt = came(market, 11_000, payer="チズセイサク(カ")
    assert [each["invoice_id"] for each in receipt["applied"]] == [invoice["id"]] and receipt["reason"] is None
    assert market.seen(invoice)["state"] == "paid" and market.seen(other)["state"] == "issued"


@pytest.mark.parametrize(
    ("amount", "payer", "reason"),
    [
        (11_000, "ｶ)ﾅｿﾞﾉｶｲｼﾔ", "unknown"),  # the amount alone is not enough
        (10_560, "ｶ)ﾁｽﾞｾｲｻｸ", "unknown"),  # nor the name, short by a charge
        (22_000, "ｶ)ﾁｽﾞｾｲｻｸ", "unknown"),  # nor two invoices in one transfer
        (11_000, "", "unknown"),
    ],
)
def test_what_fits_less_waits_for_a_person(market, amount, payer, reason):
    named(market, "ｶ)ﾁｽﾞｾｲｻｸ")
    market.invoice(), market.invoice(ONE_OFF | {"price_jpy": 5_000})
    receipt = came(market, amount, payer)
    assert (receipt["reason"], receipt["unapplied_jpy"]) == (reason, amount)


def test_two_invoices_that_fit_alike_wait_for_a_person_who_sees_both(market):
    named(market, "ｶ)ﾁｽﾞｾｲｻｸ")
    market.invoice(), market.invoice()
    receipt = came(market, 11_000)
    assert receipt["reason"] == "ambiguous"
    page = market.admin.see(f"/desk/ledger/receipts/{receipt['id']}")
    assert page.count("金額と名義が一致します") == 2


def test_two_invoices_in_one_transfer_are_paid_on_the_payer_s_word(market):
    named(market, "ｶ)ﾁｽﾞｾｲｻｸ")
    first, second = market.invoice(), market.invoice(ONE_OFF | {"price_jpy": 5_000})
    receipt = came(market, 16_500)
    path = f"/receipts/{receipt['id']}/apply"
    assert "2件の合計と一致" in market.admin.see(f"/desk/ledger/receipts/{receipt['id']}")
    both = f"{first['payment_reference']} {second['payment_reference']}"
    assert market.admin.post(path, {"reference": both}).status_code == 422
    assert market.admin.post(path, APPLY | {"reference": f"{both} 000000000"}).status_code == 422
    assert market.admin.post(path, APPLY | {"reference": both}).json["unapplied_jpy"] == 0
    assert {market.seen(first)["state"], market.seen(second)["state"]} == {"paid"}
    with database.transaction():
        (kept,) = session.query(Receipt).all()
        assert {a.matched_by for a in kept_applications(kept)} == {"person"}
        assert kept_applications(kept)[0].instruction["how"] == "電話で確認"


def kept_applications(receipt):
    return session.query(Application).filter(Application.receipt_id == receipt.id).all()


def test_the_same_payment_told_in_two_layouts_is_one(market):
    today = clock.today()
    invoice = market.invoice()
    reference = invoice["payment_reference"]
    wareki = f"{today.year - 2018:02d}{today:%m%d}"
    records = movements((True, 11_000, "ｶ)ﾁｽﾞｾｲｻｸ", "", reference), (True, 300, "ﾅｿﾞ", "", ""), today=wareki)
    sheet = f"日付,お支払金額,お預り金額,摘要\n{today},,11000,振込 カ）チズセイサク\n{today},,300,振込 ナゾ\n"
    for content in (records, sheet.encode("cp932"), records, sheet.encode("utf-8-sig")):
        answer = market.admin.post("/bank-statements", data=content, headers={"Content-Type": "text/csv"})
        assert answer.status_code == 200, answer.json
    assert market.seen(invoice)["state"] == "paid" and market.balances()["bank"] == 11_300
    again = {"received_on": today, "payer": "ﾅｿﾞ", "amount_jpy": 300, "reference": ""}
    with database.transaction(), pytest.raises(actions.AlreadyRecorded):
        actions.record_payment(**again, by=market.admin.member, at=clock.now())
    with database.transaction():
        actions.record_payment(**again, another=True, by=market.admin.member, at=clock.now())
    assert market.balances()["bank"] == 11_600


def test_two_references_of_one_payer_and_day_are_two_payments(market):
    one, two = market.invoice(), market.invoice()
    lines = [f"{clock.today()},カ)チズ,11000,{i['payment_reference']}" for i in (one, two)]
    assert market.statement(lines[0]).json["new"] == 1
    assert market.statement(*reversed(lines)).json["new"] == 1
    assert {market.seen(one)["state"], market.seen(two)["state"]} == {"paid"}


# ---- what a person decides


def test_a_charge_the_payer_took_off_is_borne_by_whom_a_person_says(market):
    invoices = market.invoice(), market.invoice()
    for invoice, bearer in zip(invoices, ("exchange", "provider"), strict=True):
        market.pays(invoice, 10_560)
        assert market.seen(invoice)["state"] == "issued"  # never silently
        assert invoice["number"] in market.admin.see("/desk/ledger/receipts")
        path = f"/desk/ledger/charges/{invoice['id']}"
        assert market.admin.fill(path, bearer=bearer).status_code == 422
        assert market.admin.fill(path, bearer=bearer, **APPLY).status_code == 303
        assert market.seen(invoice)["state"] == "paid"
        assert market.admin.browser.get(path).status_code == 404
    balances = market.balances()
    assert balances["transfer-charges"] == 440 and "billed" not in balances
    assert balances["deposits"] == 10_000 + 10_560 - 960 and balances["fees"] == 1_960


def test_what_is_short_by_more_than_a_charge_is_no_charge(market):
    invoice = market.invoice()
    market.pays(invoice, 10_000)
    answer = market.admin.fill(f"/desk/ledger/charges/{invoice['id']}", bearer="exchange", **APPLY)
    assert answer.status_code == 422 and "不足が880円以下" in answer.get_data(as_text=True)


def test_unapplied_money_is_never_a_balance_to_spend(market):
    named(market, "ｶ)ﾁｽﾞｾｲｻｸ")
    came(market, 50_000)
    invoice = market.invoice()
    market.world.tick("issue-invoices"), market.world.tick("bank-deadlines")
    assert market.seen(invoice)["paid_jpy"] == 0 and market.balances()["unapplied"] == 50_000
    assert "50,000" not in market.buyer.see("/desk/invoices") + market.buyer.see("/desk")
    (waiting,) = market.admin.get("/receipts").json["items"]
    for who in (market.buyer, market.provider):
        body = APPLY | {"reference": invoice["payment_reference"]}
        assert who.post(f"/receipts/{waiting['id']}/apply", body).status_code == 403
        assert who.get("/receipts").status_code == 403


def test_money_from_abroad_only_goes_back(market):
    invoice = market.invoice()
    receipt = came(market, 11_000, payer="被仕向外国送金 ABC LTD", reference=invoice["payment_reference"])
    assert receipt["reason"] == "abroad" and market.seen(invoice)["state"] == "issued"
    answer = market.admin.post(f"/receipts/{receipt['id']}/apply", APPLY | {"reference": invoice["payment_reference"]})
    assert answer.status_code == 409 and "この取引市場の規則" in answer.json["detail"]
    assert "この取引市場の規則" in market.admin.see(f"/desk/ledger/receipts/{receipt['id']}")
    assert market.admin.post(f"/receipts/{receipt['id']}/return", {"note": "送金人へ"}).json["unapplied_jpy"] == 0


def test_interest_is_the_exchange_s_own(market):
    receipt = came(market, 12, payer="ﾘｿｸ")
    with database.transaction():
        actions.keep_receipt(receipt["id"], note="普通預金の利息", by=market.admin.member, at=clock.now())
    assert market.balances() == {"bank": 12, "other-income": 12}


def test_accountants_are_reminded_once_before_money_must_go_back(market):
    came(market, 700, payer="ナゾ", on=clock.today() - timedelta(days=26))
    came(market, 800, payer="ナゾ")
    at = clock.now()
    with database.transaction():
        assert [actions.remind_of_unapplied(at=at) for _ in range(2)] == [1, 0]
    assert "返金の期限が近い入金があります" in market.admin.see("/desk/notices")
    assert "期限間近" in market.admin.see("/desk/ledger/receipts")
    assert market.admin.get("/receipts").json["items"][-1]["return_by"] > str(clock.today())


# ---- money out


def paid_out(market):
    market.pays(market.invoice())
    market.set_accounts()
    made = market.admin.post("/payouts/batch", {})
    assert made.status_code == 201, made.json
    return made.json


def file_of(market, made):
    return market.admin.get(made["url"].removeprefix("/api/v1"))


def test_a_transfer_file_is_the_same_bytes_whenever_it_is_asked_for(market):
    made = paid_out(market)
    first, again = file_of(market, made), file_of(market, made)
    assert first.data == again.data and first.status_code == 200
    with pytest.raises(DBAPIError, match="stays as it was made"), database.transaction():
        session.execute(text("UPDATE payout_batch SET total_jpy = 1"))


@pytest.mark.parametrize("was_sent", [False, True])
def test_a_transfer_that_came_back_is_payable_again_once(market, was_sent):
    made = paid_out(market)
    (payout_id,) = made["payouts"]
    if was_sent:
        market.admin.post(f"/payouts/batch/{made['id']}/sent")
    answer = market.admin.post(f"/payouts/{payout_id}/returned", {"reason": "口座名義相違"})
    assert answer.status_code == 200 and answer.json["state"] == "returned", answer.json
    assert market.admin.post(f"/payouts/{payout_id}/returned", {"reason": "x"}).status_code == 409
    following, returned = market.payouts()
    assert (following["amount_jpy"], following["carried_jpy"], following["gross_jpy"]) == (10_000, 10_000, 0)
    assert following["lines"][0]["returned_payout_id"] == returned["id"]
    assert market.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}
    if not was_sent:  # the rest of the file may be marked all the same
        assert market.admin.post(f"/payouts/batch/{made['id']}/sent").status_code == 200
    again = market.admin.post("/payouts/batch", {}).json
    assert (again["total_jpy"], again["count"]) == (10_000, 1)
    assert "振込ができませんでした" in market.provider.see("/desk/notices")


@pytest.mark.parametrize("was_sent", [False, True])
def test_a_statement_brings_a_failed_transfer_back(market, was_sent):
    made = paid_out(market)
    (payout_id,) = made["payouts"]
    if was_sent:
        market.admin.post(f"/payouts/batch/{made['id']}/sent")
    later = jst(2100, 1, 4)
    with database.transaction():
        payout = session.get(Payout, payout_id)
        words = f"振込資金返却 {matching.reference_of(payout)}"
        on = payout.account and session.get(Payout, payout_id).due_on
        content = f"date,payer,amount_jpy,reference\n{on},ミナトデータ,10000,{words}\n".encode()
        taken = [actions.take_statement(content, by=market.admin.member, at=later) for _ in range(2)]
    assert [t.new_count for t in taken] == [1, 0]
    assert [p["state"] for p in market.payouts()] == ["due", "returned"]
    assert market.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}


def test_a_return_a_person_recorded_first_is_not_booked_twice(market):
    made = paid_out(market)
    market.admin.post(f"/payouts/batch/{made['id']}/sent")
    (payout_id,) = made["payouts"]
    market.admin.post(f"/payouts/{payout_id}/returned", {"reason": "該当口座なし"})
    with database.transaction():
        on = session.get(Payout, payout_id).due_on
        content = f"date,payer,amount_jpy,reference\n{on},カ)ミナトデータ,10000,クミモドシ\n".encode()
        actions.take_statement(content, by=market.admin.member, at=jst(2100, 1, 4))
    assert market.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}


def test_a_return_that_names_no_transfer_waits_and_a_person_finds_it(market):
    made = paid_out(market)
    (payout_id,) = made["payouts"]
    receipt = came(market, 10_000, payer="組戻")
    assert receipt["reason"] == "bounced" and market.balances()["unapplied"] == 10_000
    body = {"reason": "組戻し", "receipt_id": receipt["id"]}
    assert market.admin.post(f"/payouts/{payout_id}/returned", body).status_code == 200
    assert market.balances() == {"bank": 11_000, "deposits": 10_000, "fees": 1_000}


def test_a_refund_after_payout_and_a_failed_payout_set_each_other_off(market):
    invoice = market.invoice()
    market.pays(invoice)
    market.set_accounts()
    made = market.admin.post("/payouts/batch", {}).json
    market.admin.post(f"/invoices/{invoice['id']}/refund", {"amount_jpy": 5_500, "reason": "データの誤り"})
    assert [p["amount_jpy"] for p in market.payouts()] == [-5_000, 10_000]
    market.admin.post(f"/payouts/{made['payouts'][0]}/returned", {"reason": "x"})
    following = market.payouts()[0]
    assert following["amount_jpy"] == 5_000 and len(following["lines"]) == 2
    assert market.balances() == {"bank": 11_000, "deposits": 5_000, "refunds": 5_500, "fees": 500}


def test_a_file_the_bank_never_got_is_discarded_and_made_anew(market):
    made = paid_out(market)
    path = f"/payouts/batch/{made['id']}/discard"
    assert market.admin.post(path, {"reason": ""}).status_code == 422
    assert market.admin.post(path, {"reason": "指定日の誤り"}).json["discarded_at"]
    assert market.admin.post(path, {"reason": "x"}).status_code == 409
    assert file_of(market, made).status_code == 409
    assert market.admin.post(f"/payouts/batch/{made['id']}/sent").json["state"] == "discarded"
    assert market.admin.post("/payouts/batch", {}).json["total_jpy"] == 10_000


def test_a_file_that_names_an_account_that_vanished_or_changed_is_held(market):
    made = paid_out(market)
    for account in (None, ACCOUNT | {"account_number": "7654321"}):
        with database.transaction():
            session.get(Organization, market.provider.organization_id).bank_account = account
        answer = file_of(market, made)
        assert answer.status_code == 409 and answer.json["changed"] == ["株式会社みなとデータ"]
        assert "取り消して、作り直してください" in answer.json["detail"]
        page = market.admin.browser.get(f"/desk/payouts/batch/{made['id']}.txt")
        assert page.status_code == 409


def change(market, *, confirmed_at=None, replaced=True):
    with database.transaction():
        by = market.world.colleague(market.provider, "accountant").id
        session.add(
            BankAccountChange(
                organization_id=market.provider.organization_id,
                account=ACCOUNT,
                entered_by=market.provider.id,
                entered_at=clock.now(),
                confirmed_by=by if confirmed_at else None,
                confirmed_at=confirmed_at,
                replaced=replaced and confirmed_at is not None,
            )
        )


def test_a_changed_account_holds_payouts_for_three_bank_days(market):
    market.pays(market.invoice())
    market.set_accounts()
    change(market, confirmed_at=jst(2026, 5, 1))  # Golden Week: 7, 8, 11 May are the bank days between
    admin = market.admin.member
    with database.transaction(), pytest.raises(actions.AccountMissing) as refusal:
        actions.make_batch(by=admin, at=jst(2026, 5, 11))
    assert "2026年5月12日の前日まで" in str(refusal.value.extra)
    with database.transaction():
        assert actions.make_batch(by=admin, at=jst(2026, 5, 12)).batch.payout_count == 1


def test_an_account_that_waits_for_a_second_person_holds_payouts(market):
    market.pays(market.invoice())
    market.set_accounts()
    change(market)
    answer = market.admin.post("/payouts/batch", {})
    assert answer.status_code == 409 and "もう1人の確認" in answer.json["missing"][0]["what"][0]
    assert "10,000円 の支払いを止めています" in market.provider.see("/desk/payouts")


def test_the_first_account_of_an_organization_holds_nothing(market):
    market.pays(market.invoice())
    market.set_accounts()
    change(market, confirmed_at=clock.now(), replaced=False)
    assert market.admin.post("/payouts/batch", {}).status_code == 201


def test_accountants_are_warned_once_before_a_payout_s_last_day(market):
    market.pays(market.invoice())
    due_on = jst(*map(int, market.payouts()[0]["due_on"].split("-")))
    with database.transaction():
        assert actions.warn_of_deadlines(at=due_on - timedelta(days=20)) == 0
        assert [actions.warn_of_deadlines(at=due_on - timedelta(days=2)) for _ in range(2)] == [1, 0]
    assert "支払期限が近い" in market.admin.see("/desk/notices")
    assert "売上の振込ができません" in market.provider.see("/desk/notices")  # it has no account yet


def test_a_payout_s_day_is_at_most_thirty_days_after_the_money_came():
    for day in range(366):
        received = jst(2026, 1, 1).date() + timedelta(days=day)
        due = rules.payout_due_on(received)
        assert bank_days.is_bank_day(due) and 0 < (due - received).days <= 30


def test_a_statement_of_a_payout_says_how_it_is_made_up_and_stays(market):
    made = paid_out(market)
    market.world.work()
    (payout,) = market.payouts()
    path = f"/payouts/{payout['id']}/document"
    first = market.provider.get(path)
    assert first.data.startswith(b"%PDF") and first.data == market.admin.get(path).data
    assert market.buyer.get(path).status_code == 404
    page = market.provider.see(f"/desk/payouts/{payout['id']}")
    assert "支払明細(PDF)" in page and "口座番号の下3桁 567" in page and "振込が戻ったとき" not in page
    market.admin.fill(f"/desk/payouts/{payout['id']}", f"/desk/payouts/{payout['id']}/returned", reason="口座なし")
    assert "この振込は戻りました" in market.provider.see(f"/desk/payouts/{payout['id']}")
    assert made["total_jpy"] == 10_000


def test_no_price_and_no_paid_contract_for_an_organization_abroad(world):
    provider, buyer = world.organization("国内企業"), world.organization("外国大学", kind="university")
    listing, _, offer = world.published(provider, ONE_OFF)
    with database.transaction():
        session.get(Organization, buyer.organization_id).is_abroad = True
    body = {"offer_id": offer["id"], "purpose": "研究", "variables": {}, "accept_terms": True}
    answer = buyer.post("/contracts", body)
    assert answer.status_code == 409 and answer.json["type"] == "/problems/domestic-only"
    assert "この取引市場の規則" in answer.json["detail"]
    with database.transaction():
        session.get(Organization, provider.organization_id).is_abroad = True
    priced = {"name": "別", "template": "provision-licence", "pricing": ONE_OFF, "variables": {}}
    assert provider.post(f"/listings/{listing['id']}/offers", priced).status_code == 409
    assert (
        provider.post(f"/listings/{listing['id']}/offers", priced | {"pricing": {"model": "free"}}).status_code == 201
    )
