"""A month's close waits for the log of a holder's own bucket, with the contracts it concerns and no others."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from contracts.models import Contract
from delivery.models import LogReading
from exchange import clock, database, jobs
from exchange.database import new_id, session
from listings.models import File, Release, StoragePlace
from settlement import rules
from tests.settlement.conftest import MONTHLY, last_month
from tests.settlement.test_late_usage import METERED, closes, counts, uses
from tests.settlement.test_months import close

USED_UNTIL = timedelta(days=3, minutes=15)


@pytest.fixture
def holder_s(market):
    """A contract on a file in its holder's own bucket, with a link of last month; the contract, the link, the place."""
    month, first, _ = last_month()
    contract_id = market.contract(METERED, at=first)
    place_id, file_id = new_id(), new_id()
    with database.transaction():
        listing_id = session.get_one(Contract, contract_id).listing_id
        who = {"organization_id": market.provider.organization_id, "created_by": market.provider.id}
        way = {"kind": "role", "role_arn": "r", "external_id": "e", "region": "r", "bucket": "b", "prefix": "p/"}
        log = {"log_source": "s3-access", "log_location": "s3://logs/", "is_logged": True, "state": "usable"}
        place = StoragePlace(id=place_id, name="市の保管場所", probe_key="p/x", created_at=first, **who, **way, **log)
        release = Release(id=new_id(), listing_id=listing_id, number=1, state="draft", created_at=first)
        session.add_all([place, release])
        session.flush()
        about = {
            "name": "人口.csv",
            "media_type": "text/csv",
            "size": 10,
            "created_by": market.provider.id,
            "upload_key": "x",
        }
        session.add(
            File(id=file_id, listing_id=listing_id, release_id=release.id, created_at=first, place_id=place_id, **about)
        )
    grant_id = uses(market, contract_id, month, first + timedelta(days=3), 0, file_id=file_id)
    return contract_id, grant_id, place_id


def reads_to(place_id, moment):
    """The holder's log was read to a moment."""
    with database.transaction():
        session.merge(LogReading(source=f"place/{place_id}", since=moment, newest_line_at=moment))


def looks_again(market):
    """Ten minutes pass."""
    with database.transaction():
        waiting = update(jobs.Task).where(jobs.Task.kind == "close-month", jobs.Task.done_at.is_(None))
        session.execute(waiting.values(due_at=clock.now()))
    market.world.work()


def state(market, month):
    return market.admin.get(f"/periods/{month}").json["state"]


def charged(market, month):
    return {line["contract_id"]: line["amount_jpy"] for i in market.invoices(period=month) for line in i["lines"]}


def test_the_contract_waits_for_its_holder_s_log_and_nobody_else_does(market, holder_s):
    contract_id, grant_id, place_id = holder_s
    month, first, _ = last_month()
    other = market.contract(MONTHLY, at=first)
    closes(market, month)
    assert charged(market, month) == {other: 12_000} and state(market, month) == "closing"
    page = market.admin.see(f"/desk/ledger/close/{month}")
    assert "提供者のアクセスログを待っています" in page and "市の保管場所" in page
    assert "アクセスログを待っている締めがあります" in market.admin.see("/desk")
    reads_to(place_id, first + USED_UNTIL - timedelta(seconds=1))
    looks_again(market)
    assert state(market, month) == "closing"
    assert market.admin.see("/desk/notices").count("月の締めが提供者のアクセスログを待っています") == 1  # said once

    counts(grant_id, 4)
    reads_to(place_id, first + USED_UNTIL)
    looks_again(market)
    assert charged(market, month) == {other: 12_000, contract_id: 4_000} and state(market, month) == "closed"
    looks_again(market)
    assert len(market.invoices(period=month)) == 2
    assert "アクセスログを待っている" not in market.admin.see("/desk")


def test_an_accountant_may_close_without_it_and_says_why(market, holder_s):
    contract_id, _, _ = holder_s
    month, _, _ = last_month()
    path = f"/desk/ledger/close/{month}/without-logs"
    close(market, month)
    market.world.work()
    assert market.admin.fill(path, reason=" ").status_code == 422
    assert market.admin.fill(path, reason="保管場所の障害が続いているため").status_code == 303
    market.world.work()
    assert state(market, month) == "closed" and contract_id not in charged(market, month)  # nothing is known to be owed
    assert "待っていません" in market.admin.fill("/desk/ledger", path, reason="もう一度").get_data(as_text=True)
    assert market.provider.browser.get(path).status_code in (403, 404)


@pytest.mark.parametrize("change", [{"state": "closed"}, {"log_location": None, "is_logged": False}])
def test_a_place_that_tells_no_log_any_more_is_not_waited_for(market, holder_s, change):
    month, _, _ = last_month()
    with database.transaction():
        session.execute(update(StoragePlace).values(**change))
    closes(market, month)
    assert state(market, month) == "closed"


def test_a_price_that_does_not_depend_on_use_waits_for_no_log(market, holder_s):
    contract_id, _, _ = holder_s
    month, _, _ = last_month()
    with database.transaction():
        session.execute(update(Contract).where(Contract.id == contract_id).values(pricing=MONTHLY))
    closes(market, month)
    assert charged(market, month) == {contract_id: 12_000} and state(market, month) == "closed"


def test_a_city_s_fee_waits_until_all_its_sheets_are_there(market, holder_s):
    contract_id, grant_id, place_id = holder_s
    month, first, _ = last_month()
    city = market.world.city()
    market.settings(fee_percent={"municipality": 5, "company": 10})
    with database.transaction():
        session.execute(update(Contract).where(Contract.id == contract_id).values(provider_id=city.organization_id))
    market.contract(MONTHLY, at=first, provider=city)
    closes(market, month)
    assert market.invoices(who=city) == []
    counts(grant_id, 8)
    reads_to(place_id, first + USED_UNTIL)
    looks_again(market)
    (fee,) = market.invoices(who=city)
    assert fee["total_jpy"] == rules.fee_jpy(20_000, 5)
