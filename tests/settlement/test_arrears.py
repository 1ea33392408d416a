"""A buyer is told before and after the due date, once each; delivery stops after the grace period and resumes."""

from datetime import date, timedelta

import pytest
from sqlalchemy import exc, text

from contracts.models import Contract
from exchange import clock, database
from exchange.database import session
from settlement import actions, rules
from settlement.models import Reminder
from tests.settlement.conftest import ONE_OFF

DUE = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("today", "grace", "warned_on", "word"),
    [
        (date(2026, 11, 22), 14, None, None),
        (date(2026, 11, 23), 14, None, "before"),
        (date(2026, 11, 30), 14, None, "before"),
        (date(2026, 12, 1), 14, None, "overdue"),
        (date(2026, 12, 11), 14, date(2026, 12, 1), "overdue"),
        (date(2026, 12, 12), 14, date(2026, 12, 1), "last"),
        (date(2026, 12, 14), 14, date(2026, 12, 1), "last"),
        (date(2026, 12, 15), 14, date(2026, 12, 1), "stopped"),
        (date(2026, 12, 15), 14, None, "last"),  # nobody warned: the clock stood still
        (date(2026, 12, 15), 14, date(2026, 12, 13), "last"),
        (date(2026, 12, 16), 14, date(2026, 12, 13), "stopped"),
        (date(2026, 12, 1), 0, None, "last"),
        (date(2026, 12, 1), 0, date(2026, 12, 1), "stopped"),
    ],
)
def test_what_a_buyer_is_told_on_a_day(today, grace, warned_on, word):
    assert rules.word_due(due_on=DUE, grace_days=grace, today=today, warned_on=warned_on) == word


def on_day(market, invoice, days):
    """Let the job run so many days after the due date."""
    at = clock.now() + (date.fromisoformat(invoice["due_on"]) - clock.today()) + timedelta(days=days)
    with database.transaction():
        actions.remind(at=at)


def told(invoice):
    query = session.query(Reminder.kind).filter_by(invoice_id=invoice["id"])
    return sorted(row[0] for row in query)


def state_of(contract_id):
    session.expire_all()
    contract = session.get_one(Contract, contract_id)
    return contract.state, contract.suspended_by


def test_words_come_once_each_and_delivery_stops_after_the_grace_period(market):
    invoice = market.invoice()
    for days in (-30, -7, -6, 0, 1, 2, 12, 13, 14):
        on_day(market, invoice, days)
    assert told(invoice) == ["before", "last", "overdue"] and state_of(invoice["contract_id"])[0] == "active"
    on_day(market, invoice, 15)
    on_day(market, invoice, 40)
    assert told(invoice) == ["before", "last", "overdue", "stopped"]
    assert state_of(invoice["contract_id"]) == ("suspended", "arrears")
    page = market.buyer.see("/desk/notices")
    for title in ("お支払期限が近づいています", "お支払期限を過ぎています", "まもなくデータの提供が停止されます"):
        assert page.count(title) == 1, title
    assert "お支払いを確認できないため提供が停止されました" in market.provider.see("/desk/notices")


def stopped(market, **contract):
    invoice = market.invoice(**contract)
    on_day(market, invoice, 1)
    on_day(market, invoice, 20)
    assert state_of(invoice["contract_id"]) == ("suspended", "arrears")
    return invoice


def test_paying_resumes_what_was_stopped(market):
    invoice = stopped(market)
    market.pays(invoice, amount=10_999)
    assert state_of(invoice["contract_id"])[0] == "suspended"
    market.pays(invoice, amount=1)
    assert state_of(invoice["contract_id"]) == ("active", None)
    on_day(market, invoice, 60)
    assert state_of(invoice["contract_id"])[0] == "active"


def test_taking_the_whole_price_off_resumes_too(market):
    invoice = stopped(market)
    body = {"amount_jpy": 11_000, "reason": "データの誤り"}
    assert market.admin.post(f"/invoices/{invoice['id']}/refund", body).status_code == 201
    assert state_of(invoice["contract_id"])[0] == "active"


def test_neither_party_resumes_it_but_the_exchange_may_give_time(market):
    invoice = stopped(market)
    path = f"/contracts/{invoice['contract_id']}/resume"
    assert market.provider.post(path, {"reason": "x"}).status_code == 403
    assert market.buyer.post(path, {"reason": "x"}).status_code == 403
    assert market.admin.post(path, {"reason": "支払計画の合意"}).status_code == 200
    on_day(market, invoice, 60)
    assert state_of(invoice["contract_id"])[0] == "active"  # stopped once for one invoice


def test_what_a_party_suspended_stays_suspended(market):
    invoice = market.invoice()
    market.provider.post(f"/contracts/{invoice['contract_id']}/suspend", {"reason": "漏えいの疑い"})
    on_day(market, invoice, 1)
    on_day(market, invoice, 20)
    market.pays(invoice)
    assert state_of(invoice["contract_id"]) == ("suspended", "provider")


def test_the_administrator_sets_the_grace_period(market):
    market.settings(grace_days=3)
    invoice = market.invoice(ONE_OFF)
    on_day(market, invoice, 1)
    on_day(market, invoice, 3)
    assert state_of(invoice["contract_id"])[0] == "active"
    on_day(market, invoice, 4)
    assert state_of(invoice["contract_id"])[0] == "suspended"


def test_paid_invoices_are_not_spoken_of(market):
    invoice = market.invoice()
    market.pays(invoice)
    on_day(market, invoice, 30)
    assert told(invoice) == []


def test_what_was_told_stays(market):
    invoice = market.invoice()
    on_day(market, invoice, 0)
    with pytest.raises(exc.DBAPIError), session.begin_nested():
        session.execute(text("DELETE FROM invoice_reminder"))
