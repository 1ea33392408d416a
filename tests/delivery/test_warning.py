"""Before delivery stops the buyer is told: at 80 and 100 % of each limit, and when a link was refused; once each."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from delivery import warning
from delivery.models import LimitWarning
from exchange import clock, database
from exchange.database import session
from exchange.identity.models import Notice
from exchange.mail import Letter
from tests.delivery.deals import METERED, deal, log_line
from tests.delivery.test_links import ask
from tests.delivery.test_metering import draw, log, read

_ = log  # the fixture
YEN_A_BYTE = METERED | {"tiers": [{"up_to": None, "unit_price_jpy": "1000000000"}]}


def limited(made, **limits):
    assert made.buyer.call("PUT", f"/contracts/{made.contract.id}/limits", limits).status_code == 200


def told(person):
    """The titles of a person's notices about limits, after the job has run twice."""
    for _ in range(2):
        with database.transaction():
            warning.warn(at=clock.now())
    query = select(Notice.title).where(Notice.member_id == person.id, Notice.path.contains("/usage?month="))
    return session.scalars(query.order_by(Notice.id)).all()


@pytest.mark.parametrize("limits", [{"bytes": 1000}, {"downloads": 1}, {"amount_jpy": 1000}])
def test_each_limit_warns_at_eighty_and_at_a_hundred_percent_once(world, log, limits):
    made = deal(world, pricing=YEN_A_BYTE)
    limited(made, **limits)
    link, seen = draw(made), []
    for n, sent in enumerate((799, 1, 200)):
        start = (0, 799, 800)[n]
        read(log, [log_line(f"r{n}", link, sent=sent, status=206, asked=f"bytes={start}-{start + sent - 1}")])
        seen.append([("80%" in title, "止まります" in title) for title in told(made.buyer)])
    near, full = (True, False), (False, True)
    assert seen == ([[], [], [full]] if "downloads" in limits else [[], [near], [near, full]])


def test_owners_and_data_officers_get_a_letter_and_nobody_else(world, log):
    made = deal(world)
    officer, accountant = world.colleague(made.buyer, "data_officer"), world.colleague(made.buyer, "accountant")
    limited(made, bytes=1200)
    read(log, [log_line("r1", draw(made), sent=1000)])
    assert [len(told(person)) for person in (made.buyer, officer, accountant, made.provider)] == [1, 1, 0, 0]
    letters = session.scalars(select(Letter).where(Letter.subject.contains("80%"))).all()
    assert {letter.to for letter in letters} == {made.buyer.email, officer.email}
    assert "1,000" in letters[0].body and "1,200" in letters[0].body and "上限を変えないかぎり" in letters[0].body


def test_a_refused_link_tells_that_delivery_has_stopped(world, log):
    made = deal(world, files=2)
    limited(made, bytes=1500)
    assert ask(made).status_code == 201
    for _ in range(3):
        assert ask(made, file_id=made.files[1].id).status_code == 429
    (noted,) = session.scalars(select(LimitWarning)).all()
    assert (noted.percent, noted.used, noted.refused) == (100, 1000, True)
    assert len(told(made.buyer)) == 1
    body = session.scalar(select(Letter.body).where(Letter.to == made.buyer.email).order_by(Letter.id.desc()))
    assert "断りました" in body


def test_a_limit_that_is_changed_warns_again_and_nothing_is_nothing(world, log):
    made = deal(world)
    limited(made, bytes=0)
    assert told(made.buyer) == []
    limited(made, bytes=1000)
    read(log, [log_line("r1", draw(made), sent=1000)])
    assert len(told(made.buyer)) == 1  # 80 % was passed on the way; one letter
    limited(made, bytes=1100)
    assert len(told(made.buyer)) == 2


def test_the_contracts_quota_stops_and_warns_whatever_the_price(world, log):
    price = {"model": "subscription", "price_jpy": 1000, "interval": "month", "quota_downloads": 1}
    made = deal(world, pricing=price, files=2)
    read(log, [log_line("r1", draw(made), sent=1000)])
    refused = ask(made, file_id=made.files[1].id)
    assert (refused.status_code, refused.json["type"], refused.json["limit"]) == (
        429,
        "/problems/quota-reached",
        "downloads",
    )
    assert ask(made).status_code == 201  # what was read may be read again
    (title,) = told(made.buyer)
    assert "契約で定めた月の引渡量に達し" in title
    page = made.provider.see(f"/desk/contracts/{made.contract.id}/usage")
    assert "契約で定めた量 1 件" in page and "ダウンロード数の上限に達しました" in page


def test_a_quota_is_part_of_the_price_and_is_said(world):
    provider = world.organization("提供社")
    price = METERED | {"quota_gigabytes": 5}
    _, _, offer = world.published(provider, price)
    assert offer["pricing"]["quota_gigabytes"] == 5 and "quota_downloads" not in offer["pricing"]
    assert any("5 GBまで" in line for line in offer["price_details"])
    bad = {"name": "別", "template": "provision-licence", "pricing": METERED | {"quota_downloads": 0}, "variables": {}}
    answer = provider.post(f"/listings/{offer['listing_id']}/offers", bad)
    assert answer.status_code == 422 and "pricing.quota_downloads" in answer.json["errors"]
