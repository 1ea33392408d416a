"""A buyer objects to a request line, the provider answers, an administrator decides; lines and grants stay as they are."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from delivery import disputes, queries, reconciling
from delivery.models import Correction, Difference, RequestLine
from exchange import clock
from exchange.database import session
from tests.delivery.deals import deal, log_line
from tests.delivery.test_metering import draw, log, read, totals

_ = log  # the fixture


@pytest.fixture
def read_link(world, log):
    """A deal, and a link of it that was read in two requests."""
    made = deal(world)
    link = draw(made)
    lines = [
        log_line("r1", link, sent=400),
        log_line("r2", link, sent=600, status=206, asked="bytes=400-", at=1.79e9 + 9e6),
    ]
    read(log, lines)
    return made, link, f"/desk/contracts/{made.contract.id}/usage/{link.id}/lines/r2"


def send(person, path, **form):
    page = path if "/lines/" in path else path.rsplit("/", 2)[0]
    answer = person.fill(page, action=path, **form)
    session.remove()
    return answer.status_code


def test_a_dispute_that_is_upheld_takes_the_lines_bytes_off_and_leaves_the_line(world, read_link):
    made, _link, path = read_link
    admin = world.admin
    assert send(made.provider, path, words="わたしの番ではない") == 403
    assert send(made.buyer, path, words="") == 422
    assert send(made.buyer, path, words="届いていません") == 303
    assert send(made.buyer, path, words="もう一度") in (403, 422)
    assert send(made.provider, path, words="送りました") == 303
    assert send(made.provider, path, words="もう一度") == 422
    assert send(admin, path, decision="upheld", words="記録を確かめました") == 303
    assert send(admin, path, decision="rejected", words="やはり") == 422

    found = totals(made)
    assert (found.billable_bytes, found.delivered_bytes, found.downloads) == (400, 1000, 0)
    assert session.get_one(RequestLine, "r2").added_bytes == 600
    assert [c.billable_bytes for c in session.scalars(select(Correction))] == [-600]
    assert "届いていません" in made.buyer.browser.get(path).text
    assert reconciling.reconcile(at=clock.now()) == 1  # the object that these rows name is in no store
    since, until = clock.month_bounds(clock.month_of(clock.now()))
    (usage,) = queries.usage_by_contract(since=since, until=until)
    assert usage.billable_bytes == 400


def test_a_dispute_that_is_rejected_changes_nothing_and_strangers_see_none(world, read_link):
    made, _link, path = read_link
    send(made.buyer, path, words="届いていません")
    assert disputes.waiting_for(world.admin.member)[0] == disputes.waiting_for(made.provider.member)[0] == 1
    assert send(world.admin, path, decision="rejected", words="届いています") == 303
    assert totals(made).billable_bytes == 1000
    stranger = world.organization("他社")
    assert stranger.browser.get(path).status_code == 404
    assert path not in stranger.browser.get("/desk/disputes").text
    assert path in made.buyer.browser.get("/desk/disputes").text


def test_the_daily_comparison_finds_what_does_not_agree_once(world, log):
    made = deal(world)
    link = draw(made)
    read(log, [log_line("r1", link, sent=400), log_line("r2", link, sent=10, uri="/objects/k")])
    with log.open("a") as file:
        file.write(log_line("r3", link, sent=100) + "\n")
    session.execute(RequestLine.__table__.insert().values(
        request_id="by hand", grant_id=link.id, at=clock.now(), method="GET", status=200, bytes_sent=5, added_bytes=5,
        remote="", user_agent="", digest="",
    ))  # fmt: skip
    session.commit()
    assert reconciling.reconcile(at=clock.now()) == 3
    assert reconciling.reconcile(at=clock.now()) == 0
    session.commit()
    assert sorted(session.scalars(select(Difference.kind))) == ["no-grant", "object-missing", "usage"]
    page = world.admin.browser.get("/desk/reconciliation")
    assert page.status_code == 200 and made.file.object_key in page.text
    assert made.buyer.browser.get("/desk/reconciliation").status_code == 403
    (one, *_rest) = session.scalars(select(Difference.id))
    assert send(world.admin, f"/desk/reconciliation/{one}/seen") == 303
    assert reconciling.open_count()[0] == 2


def test_a_line_that_is_not_counted_is_found_in_its_file(world, log):
    made = deal(world)
    link = draw(made)
    read(log, [log_line("r1", link, sent=400)])
    session.execute(Difference.__table__.delete())
    session.connection().exec_driver_sql("ALTER TABLE request_line DISABLE TRIGGER ALL; DELETE FROM request_line")
    session.connection().exec_driver_sql("ALTER TABLE request_line ENABLE TRIGGER ALL")
    session.commit()
    reconciling.reconcile(at=clock.now())
    detail = session.scalars(select(Difference.detail).where(Difference.kind == "lines")).one()
    assert (detail["missing"], detail["missing_bytes"]) == (1, 400)
