"""API tokens: made on the desk, shown once, refused the moment they are revoked; GET /me."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from exchange import clock, database
from exchange.identity import actions, queries
from exchange.identity.models import ApiToken
from tests.identity.people import send, words


def me(world: Any, secret: str) -> Any:
    database.session.remove()
    return world.app.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})


def made(person: Any, **fields: Any) -> str:
    """Make a token on the desk; its secret."""
    assert send(person.browser, "/desk/tokens", **{"name": "夜間の取り込み", "days": "30", **fields}).status_code == 303
    found = re.search(r"nkd_[\w-]{43}", words(person.browser.get("/desk/tokens")))
    assert found
    return found.group(0)


def test_a_token_is_shown_once_and_works(world: Any) -> None:
    buyer = world.organization("買い手")
    secret = made(buyer)

    assert secret not in words(buyer.browser.get("/desk/tokens"))
    assert me(world, secret).json["person"] == {"email": buyer.email, "name": buyer.name}
    assert queries.tokens_of(buyer.member)[0].digest != secret


def test_a_token_revoked_a_moment_ago_is_refused(world: Any) -> None:
    buyer = world.organization("買い手")
    secret = made(buyer)
    assert me(world, secret).status_code == 200
    token = queries.tokens_of(buyer.member)[0]

    assert buyer.fill("/desk/tokens", f"/desk/tokens/{token.id}/revoke").status_code == 303
    refused = me(world, secret)
    assert refused.status_code == 401 and refused.mimetype == "application/problem+json"
    assert "取消済み" in buyer.see("/desk/tokens")


def test_nobody_revokes_what_is_another_s(world: Any) -> None:
    buyer, stranger = world.organization("買い手"), world.organization("よそ")
    secret = made(buyer)
    token = queries.tokens_of(buyer.member)[0]

    assert stranger.fill("/desk/tokens", f"/desk/tokens/{token.id}/revoke").status_code == 404
    assert me(world, secret).status_code == 200


def test_a_token_ends_by_itself(world: Any) -> None:
    buyer = world.organization("買い手")
    secret = made(buyer)
    with database.transaction():
        database.session.query(ApiToken).update({"expires_at": clock.real_now() - timedelta(seconds=1)})

    assert me(world, secret).status_code == 401
    assert "期限切れ" in buyer.see("/desk/tokens")


@pytest.mark.parametrize(
    "fields", [{"name": ""}, {"name": "名" * 101}, {"days": "0"}, {"days": "367"}, {"days": "x"}, {"days": "1.5"}]
)
def test_a_token_that_cannot_be(world: Any, fields: dict[str, str]) -> None:
    buyer = world.organization("買い手")
    answer = send(buyer.browser, "/desk/tokens", **{"name": "夜間", "days": "30", **fields})

    assert answer.status_code == 422
    assert queries.tokens_of(buyer.member) == []


def test_a_member_has_fifty_live_tokens_at_most(world: Any) -> None:
    buyer = world.organization("買い手")
    with database.transaction():
        for n in range(actions.TOKENS_MAX):
            actions.issue_token(buyer.member, name=f"t{n}", days=1, at=clock.real_now())

    assert send(buyer.browser, "/desk/tokens", name="one more", days="1").status_code == 422


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer nkd_wrong", "Basic abc", "Bearer " + "x" * 5000])
def test_without_a_good_token_there_is_no_me(client: Any, db: Any, header: str) -> None:
    answer = client.get("/api/v1/me", headers={"Authorization": header} if header else {})

    assert answer.status_code == 401 and answer.json["status"] == 401


@pytest.mark.parametrize("kind", ["company", "municipality", "npo", "university"])
def test_me_says_who_where_and_as_what(world: Any, kind: str) -> None:
    person = world.organization("組織", kind=kind, roles=("data_officer", "accountant"))

    assert person.get("/me").json == {
        "person": {"email": person.email, "name": person.name},
        "organization": {"id": person.organization_id, "name": "組織", "kind": kind},
        "roles": ["data_officer", "accountant"],
    }


def test_me_of_an_administrator(world: Any) -> None:
    answer = world.admin.get("/me").json

    assert answer["organization"]["kind"] == "operator" and answer["roles"] == ["approver", "finance", "system"]


def test_a_cookie_opens_no_api_and_a_token_no_page(world: Any) -> None:
    buyer = world.organization("買い手")

    assert buyer.browser.get("/api/v1/me").status_code == 401
    answer = world.app.test_client().get("/desk", headers={"Authorization": f"Bearer {buyer.token}"})
    assert answer.status_code == 303
