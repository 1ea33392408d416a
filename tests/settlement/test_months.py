"""A month is closed once, from any point of interruption, and proves itself in the books."""

import csv
import io
import shutil
import subprocess

import pytest
from sqlalchemy import update

from exchange import clock, database, jobs
from exchange.database import session
from settlement import invoicing, ledger
from tests.settlement.conftest import MONTHLY, last_month


def close(market, month=None, who=None):
    return (who or market.admin).post(f"/periods/{month or last_month()[0]}/close")


def test_closing_a_month_invoices_its_subscriptions_by_the_day(market):
    month, first, since = last_month()
    days = (since - first).days
    whole = market.contract(MONTHLY, at=first)
    half = market.contract(MONTHLY, at=first.replace(day=16))
    market.contract(MONTHLY, at=since)
    answer = close(market)
    assert answer.status_code == 202 and answer.json["state"] == "closing"
    market.world.work()
    (invoice,) = market.invoices(period=month)
    amounts = {line["contract_id"]: line["amount_jpy"] for line in invoice["lines"]}
    assert amounts == {whole: 12_000, half: 12_000 * (days - 15) // days}
    shown = market.admin.get(f"/periods/{month}").json
    assert (shown["state"], shown["invoices"]) == ("closed", 1)
    assert shown["total_jpy"] == invoice["total_jpy"]


def test_closing_twice_changes_nothing(market):
    month, first, _ = last_month()
    market.contract(MONTHLY, at=first)
    for _ in range(2):
        assert close(market).status_code == 202
        market.world.work()
    before = market.admin.get(f"/periods/{month}").json
    assert close(market).status_code == 202
    market.world.work()
    assert market.admin.get(f"/periods/{month}").json == before and len(market.invoices()) == 1


@pytest.mark.parametrize("ahead", [0, 1, 400])
def test_the_running_month_and_later_ones_are_not_closed(market, ahead):
    since, _ = clock.month_bounds(clock.month_of(clock.now()))
    for _ in range(ahead):
        since = clock.month_bounds(f"{since:%Y-%m}")[1]
    answer = close(market, f"{since:%Y-%m}")
    assert answer.status_code == 409 and answer.json["state"] == "open"


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "26-01", "x", "2026-1"])
def test_what_is_no_month_is_not_found(market, month):
    assert close(market, month).status_code == 404
    assert market.admin.get(f"/periods/{month}").status_code == 404


def test_only_accountants_close_months(market):
    assert close(market, who=market.provider).status_code == 403


def test_an_interrupted_close_continues_where_it_stopped(market, monkeypatch):
    month, first, _ = last_month()
    buyers = [market.world.organization(f"利用者 {n}") for n in range(5)]
    made = [market.contract(MONTHLY, at=first, buyer=buyer) for buyer in buyers]
    monkeypatch.setattr(invoicing.issue_month, "__kwdefaults__", {"limit": 2})
    close(market)
    book, calls = ledger.post_each, []

    def fails_at(turn):
        def post_each(bookings, **options):
            calls.append(turn)
            if len(calls) == turn:
                raise RuntimeError("the lights went out")
            return book(bookings, **options)

        return post_each

    session.remove()
    for turn in (2, 3, 5):  # the second step fails at its booking, again when tried anew, then the third
        monkeypatch.setattr(ledger, "post_each", fails_at(turn))
        while jobs.run_next_task():
            pass
        assert market.admin.get(f"/periods/{month}").json["state"] == "closing"
        with database.transaction():
            session.execute(update(jobs.Task).where(jobs.Task.done_at.is_(None)).values(due_at=clock.now()))
    assert len(market.invoices(period=month, who=market.admin)) == 4
    monkeypatch.setattr(ledger, "post_each", book)
    market.world.work()
    assert market.admin.get(f"/periods/{month}").json["state"] == "closed"
    assert sorted(i["contract_id"] for i in market.invoices(period=month, who=market.admin)) == sorted(made)


def test_money_of_a_closed_month_is_booked_for_today(market):
    _month, first, _ = last_month()
    invoice = market.invoice()
    close(market)
    market.world.work()
    market.pays(invoice, on=first.date())
    entries = market.admin.get("/ledger/entries?account=bank").json["items"]
    assert entries[0]["booked_on"] == clock.today().isoformat()


def test_the_trial_balance_is_balanced_and_carries_over(market):
    month, first, _ = last_month()
    invoice = market.invoice()
    market.pays(invoice, on=first.date())
    running = clock.month_of(clock.now())
    past = market.admin.get(f"/ledger/trial-balance?month={month}").json
    assert past["debit_jpy"] == past["credit_jpy"] > 0
    rows = {r["heading"]: r for r in market.admin.get(f"/ledger/trial-balance?month={running}").json["accounts"]}
    assert rows["bank"]["opening_jpy"] == rows["bank"]["closing_jpy"] == 11_000
    assert rows["fees"]["title"] == "手数料収入" and rows["deposits"]["partner"] == "株式会社みなとデータ"
    assert market.provider.get(f"/ledger/trial-balance?month={month}").status_code == 403
    assert market.admin.get("/ledger/trial-balance").status_code == 422


def test_entries_are_found_by_account_day_amount_and_partner_together(market):
    market.pays(market.invoice())
    today = clock.today().isoformat()
    search = {"account": "deposits", "from": today, "to": today, "min": 11_000, "max": 11_000, "partner": "みなと"}
    found = market.admin.get("/ledger/entries", query_string=search).json["items"]
    assert len(found) == 1 and found[0]["cause"].startswith("receipt/")
    debits = sum(p["debit_jpy"] for p in found[0]["postings"])
    assert debits == sum(p["credit_jpy"] for p in found[0]["postings"])
    assert market.admin.get("/ledger/entries", query_string=search | {"min": 11_001, "max": 99_999}).json["items"] == []


def test_the_journal_for_accounting_software_names_tax_categories(market):
    market.pays(market.invoice())
    answer = market.admin.get(f"/ledger/journal.csv?month={clock.month_of(clock.now())}")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    fee = next(r for r in rows if r["貸方勘定科目"] == "手数料収入")
    assert (fee["貸方税区分"], fee["貸方金額"], fee["借方勘定科目"]) == ("課税売上10%", "1000", "預り金")
    assert not any("管理勘定" in r["借方勘定科目"] for r in rows)


def test_the_journal_for_hledger_is_accepted_by_hledger(market, tmp_path):
    market.provider.member.organization.name = "改行; と | 記号:  の会社"
    session.commit()
    market.pays(market.invoice())
    answer = market.admin.get("/ledger/journal.hledger")
    words = answer.data.decode()
    amounts = [int(line.split()[-2]) for line in words.splitlines() if line.startswith("    ")]
    assert amounts and sum(amounts) == 0
    hledger = shutil.which("hledger")
    if hledger is None:
        pytest.skip("hledger is not installed; its own check was not run")
    journal = tmp_path / "journal"
    journal.write_bytes(answer.data)
    subprocess.run([hledger, "-f", journal, "check", "accounts", "ordereddates", "commodities"], check=True)
