"""A provider, a buyer and an offer; requests in one call. A published listing is made without its upload."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from exchange import clock, database
from exchange.database import new_id, session
from exchange.identity.models import Notice
from exchange.web import desk
from listings.models import File, Listing, Release
from tests.world import ONE_OFF, Person, World


@pytest.fixture
def company(world: World) -> Person:
    return world.organization("みなとデータ株式会社")


@pytest.fixture
def buyer(world: World) -> Person:
    return world.organization("地図制作株式会社")


def publish(provider: Person, *, state: str = "published", **fields: Any) -> str:
    """A listing with one file, put into the state at once: uploads and reviews have their own tests."""
    at = clock.now()
    with database.transaction():
        listing = Listing(
            id=new_id(),
            provider_id=provider.organization_id,
            title=fields.pop("title", "地区別人口"),
            summary="地区ごとの人口です。",
            description="検証用の掲載です。",
            theme="population",
            data_class="non_personal",
            update_frequency="annual",
            contact={"department": "情報政策課", "email": "data@example.test", "phone": None},
            source="検証",
            state=state,
            created_at=at,
            created_by=provider.id,
            updated_at=at,
            published_at=at if state == "published" else None,
            **fields,
        )
        session.add(listing)
        session.flush()
        release = Release(
            id=new_id(),
            listing_id=listing.id,
            number=1,
            state="published" if state == "published" else "draft",
            created_at=at,
            published_at=listing.published_at,
        )
        session.add(release)
        session.flush()
        session.add(
            File(
                listing_id=listing.id,
                release_id=release.id,
                name="人口.csv",
                media_type="text/csv",
                size=10,
                state="ready",
                created_at=at,
                created_by=provider.id,
                upload_key="uploads/x",
                object_key="files/x",
                sha256="0" * 64,
            )
        )
    return listing.id


def offered(provider: Person, listing_id: str, pricing: Any = None, **fields: Any) -> Any:
    """The answer to an offer posted on a listing."""
    body = {"name": "標準", "template": "provision-licence", "pricing": pricing or ONE_OFF, "variables": {}, **fields}
    return provider.post(f"/listings/{listing_id}/offers", body)


@pytest.fixture
def listing_id(company: Person) -> str:
    return publish(company)


@pytest.fixture
def offer(company: Person, listing_id: str) -> dict[str, Any]:
    answer = offered(company, listing_id)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


Ask = Callable[..., Any]


@pytest.fixture
def ask(buyer: Person, offer: dict[str, Any]) -> Ask:
    def request(**fields: Any) -> Any:
        by = fields.pop("by", buyer)
        return by.post(
            "/contracts", {"offer_id": offer["id"], "purpose": "地図に示すため", "accept_terms": True, **fields}
        )

    return request


@pytest.fixture
def act(company: Person, buyer: Person, world: World) -> Callable[..., Any]:
    """Do a deed as one side: act(contract, "provider", "accept", version=1)."""

    def deed(contract: dict[str, Any], side: str, verb: str, **body: Any) -> Any:
        people = {"provider": company, "buyer": buyer, "operator": world.admin}
        return people[side].post(f"/contracts/{contract['id']}/{verb}", body)

    return deed


def at_state(state: str, ask: Ask, act: Callable[..., Any], **fields: Any) -> dict[str, Any]:
    """A contract brought to a state through the doors that lead there."""
    contract = ask(**fields).json
    for side, verb, body in PATHS[state]:
        answer = act(contract, side, verb, **body)
        assert answer.status_code == 200, answer.json
        contract = answer.json
    return dict(contract)


WHY = {"reason": "検証"}
ACCEPT, APPROVE = ("provider", "accept", {}), ("operator", "approve", {})
COUNTER = ("provider", "counter", {"variables": {"cure_days": 7}, "message": "短くしたいです。"})
PATHS: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "requested": [],
    "countered": [COUNTER],
    "accepted": [ACCEPT],
    "active": [ACCEPT, APPROVE],
    "suspended": [ACCEPT, APPROVE, ("provider", "suspend", WHY)],
    "terminated": [ACCEPT, APPROVE, ("buyer", "terminate", WHY)],
    "declined": [("provider", "decline", WHY)],
    "rejected": [ACCEPT, ("operator", "reject", WHY)],
}


def in_database(statement: str, **values: Any) -> None:
    """Change rows as the passing of time would."""
    from sqlalchemy import text

    with database.transaction():
        session.execute(text(statement), values)
    session.remove()


def days_from_now(days: int) -> str:
    """A day so many days ahead, or back."""
    return (clock.today() + timedelta(days=days)).isoformat()


def told(person: Person) -> list[str]:
    """The titles of what a person was told, without contract numbers."""
    session.remove()
    notices = session.query(Notice).filter_by(member_id=person.id).order_by(Notice.id)
    return [notice.title.split("（")[0] for notice in notices]


def tasks_of(person: Person) -> dict[str, Any]:
    """What waits for a person on the desk, by title."""
    session.remove()
    with person.world.app.test_request_context("/desk"):
        return {str(task.title): task for task in desk.tasks_of(person.member)}
