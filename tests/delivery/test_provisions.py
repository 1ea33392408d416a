"""Both sides keep a record of every provision of data about persons; nobody changes it; it goes when its term is over."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from delivery import provisions, rules
from delivery.models import ProvisionRecord
from exchange import clock, database
from exchange.audit import AuditEntry
from exchange.database import session
from exchange.identity.models import Organization
from tests.delivery.deals import deal, log_line
from tests.delivery.test_metering import draw, log, read

_ = log  # the fixture


def delivered(world, log, data_class="person_related", **options):
    """Data of a class has left under a contract, and the job has run twice."""
    made = deal(world, data_class=data_class, **options)
    read(log, [log_line(f"r-{made.contract.id}", draw(made), sent=400)])
    for _ in range(2):
        with database.transaction():
            provisions.keep(at=clock.now())
    return made


def test_each_side_has_its_record_of_what_left(world, log):
    made = delivered(world, log)
    given, got = session.scalars(select(ProvisionRecord).order_by(ProvisionRecord.side.desc())).all()
    assert (given.side, given.organization_id, given.partner["name"]) == (
        "provider",
        made.provider.organization_id,
        "利用社",
    )
    assert (got.side, got.organization_id, got.partner["name"]) == ("buyer", made.buyer.organization_id, "提供社")
    for record in (given, got):
        assert record.partner["address"] == "東京都港区1-1" and record.partner["representative"] == "代表 太郎"
        assert (record.items, record.file_name) == (["地区", "人口"], made.file.name)
        assert "取引市場では確認していない" in record.consent and "第31条第1項" in record.consent
        assert made.contract.number in record.consent and "得られている" not in record.consent
        assert record.provided_at.tzinfo and record.keep_until == rules.kept_until(clock.today())
    assert "第31条第3項" in given.articles and "第30条第3項" in got.articles
    assert "検証" in got.acquired


def test_classes_that_may_not_be_listed_today_have_their_articles_for_the_day_they_may():
    assert {"personal", "sensitive", "person_related"} == set(rules.RECORDED_CLASSES)
    assert all(
        (name, side) in rules.RECORD_ARTICLES for name in rules.RECORDED_CLASSES for side in ("provider", "buyer")
    )
    assert all("第27条第1項" in rules.consent_words(name, "C-1") for name in ("personal", "sensitive"))
    assert set(rules.CONSENT_ARTICLES) == set(rules.RECORDED_CLASSES)
    assert "第29条第1項" in rules.RECORD_ARTICLES["personal", "provider"]


@pytest.mark.parametrize("data_class", ["non_personal", "statistics", "anonymized"])
def test_other_classes_need_none(world, log, data_class):
    delivered(world, log, data_class)
    assert session.scalars(select(ProvisionRecord)).all() == []


def test_a_link_that_was_not_read_provided_nothing(world, log):
    made = deal(world, data_class="person_related")
    read(log, [log_line("r1", draw(made), status=403), log_line("r2", draw(made), method="HEAD")])
    provisions.keep(at=clock.now())
    assert session.scalars(select(ProvisionRecord)).all() == []


def test_a_record_stands_as_it_was_made(world, log):
    made = delivered(world, log)
    session.execute(update(Organization).where(Organization.id == made.buyer.organization_id).values(name="改称社"))
    session.commit()
    for change in (update(ProvisionRecord).values(consent=""), delete(ProvisionRecord)):
        with pytest.raises(DBAPIError, match="records of provision"):
            session.execute(change)
        session.rollback()
    assert made.provider.get("/provision-records").json["items"][0]["partner"]["name"] == "利用社"


def test_each_party_reads_and_exports_its_own_and_nobody_elses(world, log):
    made = delivered(world, log)
    for person, side in ((made.provider, "provider"), (made.buyer, "buyer")):
        items = person.get(f"/provision-records?contract_id={made.contract.id}").json["items"]
        assert [(item["side"], item["data_class"]) for item in items] == [(side, "person_related")]
        assert made.file.name in person.see("/desk/provision-records")
        told = person.browser.get("/desk/provision-records.csv").get_data(as_text=True).lstrip("\ufeff")
        (row,) = csv.DictReader(io.StringIO(told))
        assert row["項目"] == "地区、人口" and row["SHA-256"] == made.file.sha256
        assert bool(row["取得の経緯"]) == (side == "buyer")
        assert "第三者提供の記録" in person.see(f"/desk/contracts/{made.contract.id}/usage")
    assert world.organization("他社").get("/provision-records").json["items"] == []
    assert world.admin.get("/provision-records").status_code == 403
    assert world.colleague(made.buyer, "accountant").get("/provision-records").status_code == 403


def test_a_record_goes_when_its_term_is_over_and_no_day_before(world, log):
    delivered(world, log)
    end = rules.kept_until(clock.today())
    for days, left in ((0, 2), (1, 0)):
        at = clock.now().replace(year=end.year, month=end.month, day=end.day) + timedelta(days=days)
        with database.transaction():
            assert provisions.purge(at=at) == 2 - left
        assert len(session.scalars(select(ProvisionRecord)).all()) == left
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.deed == "provision.purge")).all()) == 2


@pytest.mark.parametrize(
    ("made_on", "until"),
    [
        (date(2026, 11, 25), date(2029, 11, 25)),
        (date(2028, 2, 29), date(2031, 3, 1)),
        (date(2027, 2, 28), date(2030, 2, 28)),
    ],
)
def test_a_record_is_kept_for_three_years_from_its_making(made_on, until):
    assert rules.kept_until(made_on) == until
