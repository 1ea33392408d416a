"""What an accountant reads: partners' accounts, the age of debts, deposits against the bank, files for other software."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import event

from exchange import clock, database
from settlement import ledger, queries
from settlement.ledger import BANK, UNAPPLIED, Move
from settlement.queries.subsidiary import LINES_MAX


def book(cause, *moves, on=None, words="試験"):
    at = clock.now()
    with database.transaction():
        ledger.post(cause, moves, at=at, booked_on=on or at.date(), reference="test", words=words)


def test_a_partners_accounts_are_read_line_by_line_with_their_balances(market):
    market.pays(market.invoice(), amount=4_000)
    provider = market.provider.organization_id
    today = clock.today()
    deposits, uncollected = queries.partner_accounts(provider, since=today, until=today)
    assert (deposits.title, deposits.opening_jpy, deposits.closing_jpy) == ("預り金", 0, 4_000 - 363)
    assert [(line.other, line.debit_jpy, line.credit_jpy) for line in deposits.lines] == [
        ("普通預金", 0, 4_000),
        ("手数料収入", 363, 0),
    ]
    assert [line.balance_jpy for line in uncollected.lines] == [11_000, 7_000]
    tomorrow = today + timedelta(days=1)
    later = queries.partner_accounts(provider, since=tomorrow, until=tomorrow)
    assert [(account.opening_jpy, account.lines) for account in later] == [(3_637, []), (7_000, [])]


def test_the_page_of_a_partner_asks_for_days_and_links_to_the_deed(market):
    invoice = market.invoice()
    market.pays(invoice)
    page = market.admin.see("/desk/ledger/partners")
    assert "株式会社みなとデータ" in page and "地図製作株式会社" in page
    page = market.admin.see(f"/desk/ledger/partners?partner={market.provider.organization_id}")
    for said in ("預り金", "前期間からの繰越", "次期間への繰越", "10,000円", f"/desk/invoices/{invoice['id']}"):
        assert said in page, said


@pytest.mark.parametrize(
    ("query", "status"),
    [("partner=nobody", 404), ("from=2026-10-02&to=2026-10-01", 422), ("from=きのう", 422), ("partner=%00", 422)],
)
def test_a_partner_nobody_knows_and_days_the_wrong_way_round_are_told(market, query, status):
    market.invoice()
    assert market.admin.browser.get(f"/desk/ledger/partners?{query}").status_code == status


def test_what_is_cut_off_is_said(market, monkeypatch):
    monkeypatch.setattr("settlement.queries.subsidiary.LINES_MAX", 1)
    assert LINES_MAX == 1_000
    market.pays(market.invoice())
    page = market.admin.see(f"/desk/ledger/partners?partner={market.provider.organization_id}")
    assert "日付の範囲を狭めてください" in page and "次期間への繰越" not in page


def test_debts_are_told_by_buyer_and_age(market):
    old, new = market.invoice(), market.invoice()
    market.pays(new, amount=1_000)
    due = queries.ageing(on=clock.today())
    assert [(row.partner, list(row.buckets), row.total_jpy) for row in due] == [
        ("地図製作株式会社", [21_000, 0, 0, 0, 0], 21_000)
    ]
    first = due[0].oldest_due_on
    ages = [0, 1, 30, 31, 60, 61, 90, 91, 400]
    found = [queries.ageing(on=first + timedelta(days=days))[0].buckets.index(21_000) for days in ages]
    assert found == [0, 1, 1, 2, 2, 3, 3, 4, 4]
    market.pays(old)
    page = market.admin.see("/desk/ledger/ageing")
    assert "10,000円" in page and "21,000円" not in page


def test_no_debts_is_said_too(market):
    assert "未払いの請求書はありません" in market.admin.see("/desk/ledger/ageing")


def test_deposits_stand_beside_the_bank_balance_and_what_is_missing_is_alarming(market):
    market.pays(market.invoice())
    book("loose", Move(500, UNAPPLIED, BANK))
    held = queries.deposits_and_bank()
    assert (held.bank_jpy, held.held_jpy, held.own_jpy, held.fees_jpy) == (11_500, 10_500, 1_000, 1_000)
    assert [line.balance_jpy for line in held.held] == [10_000, 0, 500, 0, 0]
    page = market.admin.see("/desk/ledger")
    assert "預りの合計" in page and "10,500円" in page and "少なくなっています" not in page
    book("robbed", Move(1_001, BANK, ledger.FEES))
    assert "1円 少なくなっています" in market.admin.see("/desk/ledger")


def test_books_are_for_accountants_alone(market):
    for path in ("/desk/ledger/partners", "/desk/ledger/ageing"):
        assert market.provider.browser.get(path).status_code == 403


def test_the_journal_comes_in_shift_jis_for_software_that_wants_it(market):
    book("one", Move(500, UNAPPLIED, BANK), words="入金 𠮷田商店 ㈱")
    month = clock.month_of(clock.now())
    plain = market.admin.get(f"/ledger/journal.csv?month={month}")
    windows = market.admin.get(f"/ledger/journal.csv?month={month}&encoding=shift_jis")
    assert plain.data.startswith(b"\xef\xbb\xbf") and "𠮷田商店" in plain.data.decode("utf-8-sig")
    assert "Shift_JIS" in windows.headers["Content-Type"]
    rows = list(csv.DictReader(io.StringIO(windows.data.decode("cp932"))))
    assert rows[0]["摘要"] == "入金 〓田商店 ㈱" and rows[0]["借方勘定科目"] == "普通預金"
    assert rows[0]["借方金額"] == "500" and rows[0]["借方税区分"] == "対象外"
    assert market.admin.get(f"/ledger/journal.csv?month={month}&encoding=latin-1").status_code == 422
    on_page = market.admin.browser.get(f"/desk/ledger/journal-{month}.csv?encoding=shift_jis")
    assert on_page.data == windows.data


def test_balances_are_the_same_before_and_after_they_are_sealed_into_days(market):
    at = clock.now()
    for days in (40, 2, 0):
        book(f"{days}", Move(100 + days, UNAPPLIED, BANK), on=at.date() - timedelta(days=days))
    month = clock.month_of(at - timedelta(days=40))
    before = ledger.sums(), queries.trial_balance(month), ledger.sums(until=at), ledger.sums(until=clock.now())
    market.world.tick("seal-ledger")
    after = ledger.sums(), queries.trial_balance(month), ledger.sums(until=at), ledger.sums(until=clock.now())
    assert before == after and after[0]["bank"] == (342, 0) and after[2] == {}
    assert ledger.sums(until=at + timedelta(days=2)) == after[0]


def test_a_trial_balance_reads_all_sums_at_once(market):
    market.pays(market.invoice())
    asked = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(database.engine(), "before_cursor_execute", note)
    try:
        queries.trial_balance(clock.month_of(clock.now()))
    finally:
        event.remove(database.engine(), "before_cursor_execute", note)
    assert sum("ledger_day" in statement for statement in asked) == 1 and len(asked) == 2
