"""What upper chapters tell listings without listings knowing them: each list is filled in their `install(app)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exchange.errors import Words
from exchange.identity.models import Member
from listings.models import File, Listing


@dataclass(frozen=True)
class Recipient:
    """Who received a file that was recalled, and how much of it."""

    organization_id: str | None  # None: somebody without an account
    organization: str
    links: int
    delivered_bytes: int
    last_at: datetime | None


@dataclass(frozen=True)
class ReviewItem:
    """One thing that waits for an administrator's decision."""

    kind: str
    title: str
    url: str
    party: str
    waiting_since: datetime
    marks: Sequence[Words] = ()  # what asks for special care


@dataclass(frozen=True)
class Check:
    """One thing that was checked before a decision."""

    title: Words
    passed: bool
    detail: Words = ""


# delivery: who received a file.
RECIPIENTS: list[Callable[[File], Iterable[Recipient]]] = []
# contracts: ids of the organizations under contract on a listing, to be told of a new release or a recall.
SUBSCRIBERS: list[Callable[[str], Iterable[str]]] = []
# contracts: the offers of a listing as JSON, for GET /listings/{id}.
OFFERS: list[Callable[[Listing, Member | None], list[dict[str, Any]]]] = []
# contracts: the address of the desk page where a listing's offers are set.
OFFER_EDITOR: list[Callable[[Listing], str]] = []
# contracts: its own queue, shown on /desk/reviews beside the listings.
REVIEWS: list[Callable[[Member], Iterable[ReviewItem]]] = []
# contracts: whether a listing is sold by what is used of it, so that what leaves has to be counted.
SOLD_BY_USE: list[Callable[[str], bool]] = []
