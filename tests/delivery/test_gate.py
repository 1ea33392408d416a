"""The gate: which reads of the bucket pass, asked as our gateway asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from sqlalchemy import select, update

from delivery import actions, gate, queries
from delivery.models import OneTime
from exchange import clock
from exchange.config import config
from exchange.database import session
from exchange.errors import Forbidden
from exchange.identity.models import ApiToken, Member
from listings.models import File, Listing
from tests.delivery.deals import deal
from tests.delivery.test_links import ask
from tests.delivery.test_security_levels import L3, name

KEY = "k" * 40


@pytest.fixture(autouse=True)
def gated(monkeypatch):
    """As behind our own gateway."""
    told = replace(config(), gate_secret=KEY)
    for module in (actions, gate):
        monkeypatch.setattr(module, "config", lambda: told)


@pytest.fixture
def passes(world):
    """Asks the gate about a request; the reason of a refusal, None where it passes."""

    def answer(url, method="GET", remote="127.0.0.1"):
        parts = urlsplit(url)
        told = {"X-Gate-Key": KEY, "X-Gate-Method": method, "X-Gate-Uri": f"{parts.path}?{parts.query}"}
        told |= {"Host": parts.netloc, "X-Request-Id": "r1"}
        answer = world.app.test_client().get("/gate", headers=told, environ_base={"REMOTE_ADDR": remote})
        if answer.status_code == 204:
            return None
        said = ElementTree.fromstring(answer.data)
        assert (answer.status_code, answer.mimetype, said.findtext("Code")) == (403, "application/xml", "AccessDenied")
        assert said.findtext("RequestId") == "r1"
        return said.findtext("Message")

    return answer


def change(entity, id_, **values):
    session.execute(update(entity).where(entity.id == id_).values(**values))
    session.commit()


def test_a_link_passes_however_its_url_is_written(world, passes):
    url = ask(deal(world)).json["url"]
    head, _, query = url.partition("?")
    assert passes(url) is None and passes(url) is None
    assert passes(head + "?" + "&".join(reversed(query.split("&")))) is None
    assert passes(head.replace("/files/", "/%66iles%2f") + "?" + query.replace("x-grant", "x%2Dgrant")) is None


REVOKED = {
    "the contract was terminated": lambda made: change(type(made.contract), made.contract.id, state="terminated"),
    "the contract is suspended": lambda made: change(type(made.contract), made.contract.id, state="suspended"),
    "its last day is over": lambda made: change(
        type(made.contract), made.contract.id, ends_on=clock.today() - timedelta(days=1)
    ),
    "its end was announced for now": lambda made: change(
        type(made.contract), made.contract.id, terminates_at=clock.now()
    ),
    "the file was recalled": lambda made: change(File, made.file.id, recalled_at=clock.now()),
    "the member left": lambda made: change(Member, made.buyer.id, removed_at=clock.now()),
    "the token was revoked": lambda made: change(
        ApiToken, session.scalar(select(ApiToken.id).where(ApiToken.member_id == made.buyer.id)), revoked_at=clock.now()
    ),
}


@pytest.mark.parametrize("happened", REVOKED)
def test_a_link_ends_with_what_it_stands_on(world, passes, happened):
    made = deal(world)
    url = ask(made).json["url"]
    assert passes(url) is None
    REVOKED[happened](made)
    assert passes(url)


def test_open_data_passes_for_as_long_as_it_is_open(world, passes):
    made = deal(world)
    change(Listing, made.listing.id, is_open=True)
    path = f"/api/v1/listings/{made.listing.id}/files/{made.file.id}/content"
    url = world.app.test_client().get(path).location
    assert passes(url) is None
    change(Listing, made.listing.id, state="withdrawn")
    assert passes(url)


def test_a_stranger_costs_no_query_and_uses_nothing_up(world, passes, monkeypatch):
    link = ask(deal(world), once=True).json
    url, bare = link["url"], link["url"].partition("?")[0]
    signature = url.rpartition("=")[2]
    with monkeypatch.context() as closed:
        closed.setattr(queries, "at_the_gate", lambda _: pytest.fail("a query for a stranger"))
        for forged in (
            bare,
            f"{bare}?x-grant={link['id']}",
            url.replace(signature, "0" * 64),
            url.replace("x-grant=", "x-grant=0"),
            url.replace("X-Amz-Expires=300", "X-Amz-Expires=900"),
            url.replace("/files/", "/files/../files/"),
            url + "&x-grant=other",
            url.replace("127.0.0.1", "localhost"),
        ):
            assert passes(forged)
        assert passes(url, "HEAD")  # signed for GET
    assert passes(url) is None


def test_a_link_for_one_use_is_used_once_even_by_eight_at_the_same_time(world, passes):
    link = ask(deal(world), once=True).json
    assert link["once"] == "enforced"
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _: passes(link["url"]), range(8)))
    assert answers.count(None) == 1
    assert session.get_one(OneTime, link["id"]).used_at


def test_where_no_gate_counts_uses_a_link_for_one_use_lives_a_minute(world, monkeypatch):
    monkeypatch.setattr(actions, "config", config)
    made = deal(world)
    link = ask(made, once=True).json
    assert link["once"] == "short_lived" and "X-Amz-Expires=60&" in link["url"]
    assert "once" not in ask(made).json


def test_an_expired_link_does_not_pass(world):
    url = urlsplit(ask(deal(world)).json["url"])
    at = clock.now() + timedelta(seconds=301)
    with pytest.raises(Forbidden, match="有効期限"):
        actions.let_read("GET", f"{url.path}?{url.query}", host=url.netloc, remote=None, at=at)


def test_level_three_asks_for_named_users_a_second_factor_five_minutes_and_one_address(world, passes):
    made = deal(world, variables=L3)
    assert name(made, made.buyer).status_code == 200
    assert "二段階認証" in ask(made).json["detail"]
    change(Member, made.buyer.id, totp_confirmed_at=clock.now())
    assert ask(made, expires_in=301).json["errors"]["expires_in"]
    url = ask(made).json["url"]
    assert passes(url, remote="203.0.113.9")
    assert passes(url) is None


def test_a_link_ends_when_its_holder_is_named_no_more(world, passes):
    made = deal(world, variables=L3)
    officer = world.colleague(made.buyer, "data_officer")
    change(Member, officer.id, totp_confirmed_at=clock.now())
    name(made, officer)
    url = ask(made, officer).json["url"]
    assert passes(url) is None
    name(made, made.buyer)
    assert passes(url)
    assert ask(made, officer).status_code == 403


def test_only_our_gateway_may_ask(world):
    browser = world.app.test_client()
    for key in ("", "x", KEY[:-1], "é"):
        assert browser.get("/gate", headers={"X-Gate-Key": key, "X-Gate-Method": "GET"}).status_code == 404
