"""A provider, and listings as far as this chapter can bring them: contracts' offers are told, not made."""

from __future__ import annotations

from typing import Any

import pytest

from exchange import database
from listings import actions

Json = dict[str, Any]


@pytest.fixture
def city(world: Any) -> Any:
    """A verified municipality's owner."""
    return world.city()


@pytest.fixture
def ready(world: Any, city: Any) -> Json:
    """A draft with a file that was read and an offer: all that is owed."""
    listing = world.listing(city)
    world.file(city, listing)
    offered(listing)
    return listing


def offered(listing: Json, models: tuple[str, ...] = ("free",), price_jpy: int | None = 0, text: str = "無料") -> None:
    """What contracts tells when an offer is made."""
    with database.transaction():
        actions.tell_offers(
            listing["id"],
            pricing_models=list(models),
            price_from_jpy=price_jpy,
            price_text=text,
            is_open=models == ("free",),
        )


def publish(world: Any, provider: Any, listing: Json) -> Json:
    """Submitted and published."""
    submitted = provider.post(f"/listings/{listing['id']}/submit")
    assert submitted.status_code == 200, submitted.json
    published = world.admin.post(f"/listings/{listing['id']}/publish")
    assert published.status_code == 200, published.json
    return dict(published.json)
