"""The catalogue: full text, filters, counts beside every filter, sorting, paging. Reads only."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    any_,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import contains_eager

from exchange.database import make_cursor, read_cursor, session
from exchange.errors import Invalid, text
from exchange.identity.models import Member, Organization
from listings import rules
from listings.models import Invitation, Listing

SORTS = ("relevance", "newest", "updated", "price", "title")
NO_PRICE = 10**15  # sorts after every price


@dataclass(frozen=True, kw_only=True)
class Search:
    """What someone looks for in the catalogue; an empty field filters nothing."""

    q: str = ""
    theme: str = ""
    kind: str = ""
    data_class: str = ""
    pricing: str = ""
    format: str = ""
    area: str = ""
    sort: str = ""
    limit: int = 20
    cursor: str | None = None

    @property
    def sorting(self) -> str:
        """How results are sorted: as asked, else by relevance to the words, else the newest first."""
        if self.sort == "relevance" and not rules.search_query(self.q):
            return "newest"
        return self.sort or ("relevance" if rules.search_query(self.q) else "newest")


@dataclass(frozen=True)
class Found:
    """A page of results, how many there are in all, and for each filter how many each choice would leave."""

    items: Sequence[Listing]
    total: int
    next_cursor: str | None
    facets: dict[str, dict[str, int]] = field(default_factory=dict)


def seen_in_catalogue(member: Member | None) -> ColumnElement[bool]:
    """Published, and public, or shown to the organization of who asks. Administrators see all that is published."""
    published = Listing.state == "published"
    if member is None:
        return and_(published, Listing.visibility == "public")
    if member.is_operator:
        return published
    invited = select(Invitation.listing_id).where(Invitation.organization_id == member.organization_id)
    mine = Listing.provider_id == member.organization_id
    shown = and_(Listing.visibility == "invited", Listing.id.in_(invited))
    return and_(published, or_(Listing.visibility == "public", mine, shown))


def search(asked: Search, *, member: Member | None, facets: bool = False) -> Found:
    """The published listings that fit, as far as `member` may see them. A made-up cursor is `Invalid`."""
    conditions = _conditions(asked)
    seen = and_(seen_in_catalogue(member), _words(asked.q))
    matching = select(Listing).join(Listing.provider).where(seen, *conditions.values())
    counts = _counts(seen, conditions, facets=facets)
    listings, cursor = _page(matching, asked)
    return Found(listings, counts.pop("total")[""], cursor, counts)


def _words(q: str) -> ColumnElement[bool]:
    query = rules.search_query(q)
    if query:
        return Listing.search.bool_op("@@")(cast(query, TSQUERY))
    # Signs alone ask for nothing that could be found; nothing at all asks for everything.
    return literal(not q.strip())


def _conditions(asked: Search) -> dict[str, ColumnElement[bool]]:
    """The condition of each filter that is set, by its name."""
    made: dict[str, Callable[[str], ColumnElement[bool]]] = {
        "theme": lambda v: Listing.theme == v,
        "kind": lambda v: Organization.kind == v,
        "data_class": lambda v: Listing.data_class == v,
        "pricing": lambda v: literal(v) == any_(Listing.pricing_models),
        "format": lambda v: literal(v) == any_(Listing.formats),
        "area": _in_area,
    }
    return {name: make(value) for name, make in made.items() if (value := getattr(asked, name))}


def _in_area(code: str) -> ColumnElement[bool]:
    """Listings of the area itself or of a part of it (13 finds 131032)."""
    codes = func.unnest(Listing.area_codes).column_valued("code")
    return select(literal(1)).where(codes.startswith(code, autoescape=True)).exists()


def _counts(
    seen: ColumnElement[bool], conditions: dict[str, ColumnElement[bool]], *, facets: bool
) -> dict[str, dict[str, int]]:
    """In one statement: the total, and per filter how many listings each choice would leave beside the others."""
    shown = (Listing.theme, Organization.kind, Listing.data_class, Listing.pricing_models, Listing.formats)
    flags = [condition.label(f"is_{name}") for name, condition in conditions.items()]
    base = select(*shown, *flags).select_from(Listing).join(Listing.provider).where(seen).cte("base")

    def fits_all_but(name: str) -> ColumnElement[bool]:
        return and_(true(), *(base.c[f"is_{other}"] for other in conditions if other != name))

    parts = [select(literal("total"), literal(""), func.count()).select_from(base).where(fits_all_but(""))]
    choices: dict[str, Any] = {
        "theme": base.c.theme,
        "kind": base.c.kind,
        "data_class": base.c.data_class,
        "pricing": func.unnest(base.c.pricing_models),
        "format": func.unnest(base.c.formats),
    }
    for name, choice in choices.items() if facets else ():
        each = select(choice.label("value")).where(fits_all_but(name)).subquery()
        parts.append(select(literal(name), each.c.value, func.count()).group_by(each.c.value))
    counts: dict[str, dict[str, int]] = {"total": {"": 0}}
    for name, value, count in session.execute(union_all(*parts)):
        counts.setdefault(name, {})[value] = count
    return counts


@dataclass(frozen=True)
class _Order:
    """What results are sorted by, which way, and how its value travels in a cursor."""

    by: Any
    descending: bool
    read: Callable[[Any], Any]


def _order(asked: Search) -> _Order:
    rank = func.ts_rank(Listing.search, cast(rules.search_query(asked.q), TSQUERY))
    return {
        "relevance": _Order(cast(rank * 1_000_000, BigInteger), True, int),
        "newest": _Order(Listing.published_at, True, datetime.fromisoformat),
        "updated": _Order(Listing.updated_at, True, datetime.fromisoformat),
        "price": _Order(func.coalesce(Listing.price_from_jpy, NO_PRICE), False, int),
        "title": _Order(func.left(Listing.title, 30), False, str),
    }[asked.sorting]


def _page(matching: Select[Any], asked: Search) -> tuple[list[Listing], str | None]:
    order = _order(asked)
    if asked.cursor:
        matching = matching.where(_after(order, asked))
    direction = (order.by.desc(), Listing.id.desc()) if order.descending else (order.by.asc(), Listing.id.asc())
    query = matching.add_columns(order.by.label("place")).options(contains_eager(Listing.provider)).order_by(*direction)
    rows = session.execute(query.limit(asked.limit + 1)).all()
    listings = [row[0] for row in rows[: asked.limit]]
    if len(rows) <= asked.limit:
        return listings, None
    last = rows[asked.limit - 1]
    place = last.place.isoformat() if isinstance(last.place, datetime) else last.place
    return listings, make_cursor(json.dumps([asked.sorting, place, last[0].id], ensure_ascii=False))


def _after(order: _Order, asked: Search) -> ColumnElement[bool]:
    try:
        sorting, place, listing_id = json.loads(read_cursor(asked.cursor or ""))
        if sorting != asked.sorting or not isinstance(listing_id, str):
            raise ValueError
        position = tuple_(order.by, Listing.id)
        bound = tuple_(literal(order.read(place)), literal(listing_id))
    except (ValueError, TypeError) as error:
        raise Invalid(
            {"cursor": [text("カーソルが正しくありません。同じ条件の前の応答の next_cursor を指定してください。")]}
        ) from error
    return position < bound if order.descending else position > bound
