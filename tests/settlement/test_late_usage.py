"""What is counted after a month was closed is charged in the next, once; a month waits for its log."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from contracts.models import Contract
from delivery.models import Grant, GrantUsage, LogReading
from exchange import clock, database
from exchange.config import config
from exchange.database import new_id, session
from tests.settlement.conftest import last_month
from tests.settlement.test_months import close

METERED = {"model": "metered", "unit": "gigabyte", "tiers": [{"up_to": None, "unit_price_jpy": "1000"}]}
GB = 10**9


def months():
    """The two months before the running one, the earlier first, each with its first day."""
    month, first, _ = last_month()
    since, _ = clock.month_bounds(clock.month_of(first - timedelta(days=1)))
    return (f"{since:%Y-%m}", since), (month, first)


def uses(market, contract_id, month, at, gigabytes, *, file_id="f"):
    """A link of a month that was read so far; the grant's id."""
    contract = session.get_one(Contract, contract_id)
    grant_id = new_id()
    told = {"variant": "original", "object_key": "files/x", "size": 10 * GB, "sha256": "0" * 64, "file_id": file_id}
    with database.transaction():
        session.add(
            Grant(
                id=grant_id,
                contract_id=contract_id,
                listing_id=contract.listing_id,
                member_id=market.buyer.id,
                issued_at=at,
                expires_at=at,
                month=month,
                pool=grant_id,
                **told,
            )
        )
        session.flush()
        session.add(GrantUsage(grant_id=grant_id, **figures(gigabytes, at)))
    return grant_id


def figures(gigabytes, at):
    return {"delivered_bytes": gigabytes * GB, "billable_bytes": gigabytes * GB, "downloads": 0, "changed_at": at}


def counts(grant_id, gigabytes):
    """Lines that come late bring a grant's figures to so much."""
    with database.transaction():
        values = figures(gigabytes, clock.now() + timedelta(seconds=1))
        session.execute(update(GrantUsage).where(GrantUsage.grant_id == grant_id).values(**values))


def closes(market, month):
    assert close(market, month).status_code == 202
    market.world.work()


def lines(market, contract_id):
    """Amounts and descriptions of a contract's lines, by the period of their invoice."""
    found = {}
    for invoice in market.invoices(contract_id=contract_id):
        mine = [line for line in invoice["lines"] if line["contract_id"] == contract_id]
        found[invoice["period"]] = [(line["amount_jpy"], line["description"]) for line in mine]
    return found


def test_usage_counted_after_the_close_is_charged_in_the_next_month_and_names_its_own(market):
    (earlier, first), (later, second) = months()
    contract_id = market.contract(METERED, at=first)
    grant_id = uses(market, contract_id, earlier, first, 3)
    uses(market, contract_id, later, second, 1)
    closes(market, earlier)
    counts(grant_id, 5)
    closes(market, later)
    told = lines(market, contract_id)
    assert [amount for amount, _ in told[earlier]] == [3000]
    assert [amount for amount, _ in told[later]] == [1000, 2000]
    assert f"{first.month}月分の調整" in told[later][1][1]


def test_a_contract_that_has_ended_is_still_charged_what_came_late(market):
    (earlier, first), (later, second) = months()
    contract_id = market.contract(METERED, at=first, ended_at=second - timedelta(days=3))
    grant_id = uses(market, contract_id, earlier, first, 0)
    closes(market, earlier)
    counts(grant_id, 2)
    closes(market, later)
    (invoice,) = market.invoices(contract_id=contract_id)
    assert [line["amount_jpy"] for line in invoice["lines"]] == [2000]


def test_less_usage_is_taken_off_the_next_month_but_never_below_it(market):
    (earlier, first), (later, second) = months()
    ids = [market.contract(METERED, at=first) for _ in range(2)]
    grants = [uses(market, each, earlier, first, 3) for each in ids]
    uses(market, ids[0], later, second, 4)
    uses(market, ids[1], later, second, 1)
    closes(market, earlier)
    for grant_id in grants:
        counts(grant_id, 1)
    closes(market, later)
    assert [amount for amount, _ in lines(market, ids[0])[later]] == [4000, -2000]
    assert [amount for amount, _ in lines(market, ids[1])[later]] == [1000]


@pytest.fixture
def delivered_logs(monkeypatch, tmp_path):
    monkeypatch.setenv("LOG_SOURCE", "s3-access")
    monkeypatch.setenv("LOG_LOCATION", str(tmp_path))
    config.cache_clear()
    yield
    monkeypatch.undo()
    config.cache_clear()


def test_a_month_is_not_closed_while_the_log_lags_behind_its_end(market, delivered_logs):
    month, _, since = last_month()
    refusal = close(market, month)
    assert refusal.status_code == 409 and refusal.json["type"] == "/problems/log-behind"
    for newest, status in ((since - timedelta(seconds=1), 409), (since, 202)):
        with database.transaction():
            session.merge(LogReading(source="s3-access", since=since, newest_line_at=newest, behind=False))
        assert close(market, month).status_code == status
