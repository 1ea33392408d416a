"""The catalogue: full text, filters, counts beside every filter, sorting, paging. Reads only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    any_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import contains_eager

from exchange.database import Quick, make_cursor, read_cursor, session
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
    return _SEEN[_who(member)](member.organization_id if member else None)


def _who(member: Member | None) -> str:
    return "stranger" if member is None else "operator" if member.is_operator else "member"


def _shown_to(organization_id: Any) -> ColumnElement[bool]:
    invited = select(Invitation.listing_id).where(Invitation.organization_id == organization_id)
    shown = and_(Listing.visibility == "invited", Listing.id.in_(invited))
    return and_(_PUBLISHED, or_(Listing.visibility == "public", Listing.provider_id == organization_id, shown))


_PUBLISHED = Listing.state == "published"
_SEEN: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "stranger": lambda _: and_(_PUBLISHED, Listing.visibility == "public"),
    "operator": lambda _: _PUBLISHED,
    "member": _shown_to,
}


def search(asked: Search, *, member: Member | None, facets: bool = False) -> Found:
    """The published listings that fit, as far as `member` may see them. A made-up cursor is `Invalid`.

    Two statements: one walks once over what the words find, for the counts and for which listings come next; one reads
    those few.
    """
    words = rules.search_query(asked.q)
    given = {name: value for name in _CONDITIONS if (value := getattr(asked, name))}
    values = {**given, "words": words, "most": asked.limit + 1, "organization_id": member and member.organization_id}
    # Signs alone ask for nothing that could be found; nothing at all asks for everything.
    text_asked = "words" if words else "signs" if asked.q.strip() else "nothing"
    shape = _Shape(tuple(given), text_asked, asked.sorting, bool(asked.cursor), _who(member), facets)
    counts, ids = _told(_walk(shape)(**values, **(_position(asked) if asked.cursor else {})))
    rows = session.execute(_few(asked.sorting), {"ids": ids, "words": words}).all()
    return Found(
        [row[0] for row in rows[: asked.limit]],
        counts.pop("total").get("", 0),
        _cursor(asked, rows[asked.limit - 1]) if len(rows) > asked.limit else None,
        counts if facets else {},
    )


def _in_area(code: Any) -> ColumnElement[bool]:
    """Listings of the area itself or of a part of it (13 finds 131032)."""
    codes = func.unnest(Listing.area_codes).column_valued("code")
    return select(literal(1)).where(func.starts_with(codes, code)).exists()


def _named(name: str) -> Any:
    return bindparam(name, type_=String)


_QUERY = cast(_named("words"), TSQUERY)
_TEXT_ASKED: dict[str, ColumnElement[bool]] = {
    "words": Listing.search.bool_op("@@")(_QUERY),
    "signs": false(),
    "nothing": true(),
}
_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "theme": Listing.theme == _named("theme"),
    "kind": Organization.kind == _named("kind"),
    "data_class": Listing.data_class == _named("data_class"),
    "pricing": _named("pricing") == any_(Listing.pricing_models),
    "format": _named("format") == any_(Listing.formats),
    "area": _in_area(_named("area")),
}
# What a result is counted by, each in a column of the walk over all results; lists are told apart by their commas.
_FACETS: dict[str, Any] = {
    "theme": Listing.theme,
    "kind": Organization.kind,
    "data_class": Listing.data_class,
    "pricing": func.array_to_string(Listing.pricing_models, ",").label("pricing"),
    "format": func.array_to_string(Listing.formats, ",").label("format"),
}


@dataclass(frozen=True)
class _Order:
    """What results are sorted by, which way, and how its value travels in a cursor."""

    by: Any
    is_descending: bool
    read: Callable[[Any], Any]

    def sorted(self, by: Any, listing_id: Any) -> tuple[Any, Any]:
        """Sorted that way, and where two are equal by their ids."""
        return (by.desc(), listing_id.desc()) if self.is_descending else (by.asc(), listing_id.asc())

    def after(self, by: Any, listing_id: Any) -> ColumnElement[bool]:
        """What comes after the result that the cursor names."""
        position = tuple_(by, listing_id)
        last = tuple_(bindparam("place", type_=self.by.type), _named("last_id"))
        return position < last if self.is_descending else position > last


_ORDERS = {
    "relevance": _Order(cast(func.ts_rank(Listing.search, _QUERY) * 1_000_000, BigInteger), True, int),
    "newest": _Order(Listing.published_at, True, datetime.fromisoformat),
    "updated": _Order(Listing.updated_at, True, datetime.fromisoformat),
    "price": _Order(func.coalesce(Listing.price_from_jpy, NO_PRICE), False, int),
    "title": _Order(func.left(Listing.title, 30), False, str),
}


@dataclass(frozen=True)
class _Shape:
    """What a search's statement depends on; the values are given to it."""

    filters: tuple[str, ...]
    text_asked: str
    sorting: str
    is_continued: bool
    who: str
    has_facets: bool


@lru_cache(maxsize=512)  # putting it together takes as long as running it
def _walk(shape: _Shape) -> Quick:
    """The statement over all that the words find: what is counted, and the ids of this page's results."""
    columns = [*_FACETS.values(), Listing.id, _ORDERS[shape.sorting].by.label("place")]
    flags = [_CONDITIONS[name].label(f"is_{name}") for name in shape.filters]
    seen = and_(_SEEN[shape.who](_named("organization_id")), _TEXT_ASKED[shape.text_asked])
    base = select(*columns, *flags).select_from(Listing).join(Listing.provider).where(seen).cte("base")
    return Quick(union_all(_counted(base, shape), _next(base, shape)), plans_for_values=True)


def _fits(base: CTE, shape: _Shape, *, all_but: str = "") -> ColumnElement[bool]:
    return and_(true(), *(base.c[f"is_{name}"] for name in shape.filters if name != all_but))


def _counted(base: CTE, shape: _Shape) -> Select[Any]:
    """What is counted, its value, how many: the total, and per filter what each choice would leave beside the others."""
    columns = {name: base.c[column.key] for name, column in _FACETS.items()} if shape.has_facets else {}
    names = [(func.grouping(column) == 0, literal(name)) for name, column in columns.items()]
    counts = [
        (func.grouping(column) == 0, func.count().filter(_fits(base, shape, all_but=name)))
        for name, column in columns.items()
    ]
    total = func.count().filter(_fits(base, shape))
    counted = select(
        case(*names, else_=literal("total")) if names else literal("total"),
        func.coalesce(*columns.values(), literal("")),
        case(*counts, else_=total) if counts else total,
    )
    return counted.select_from(base).group_by(func.grouping_sets(*map(tuple_, columns.values()), sql("()")))


def _next(base: CTE, shape: _Shape) -> Select[Any]:
    """The ids of this page's results and of one more, in the form of what is counted."""
    place, listing_id, order = base.c.place, base.c.id, _ORDERS[shape.sorting]
    found = select(literal(_NEXT), listing_id, literal(0)).where(_fits(base, shape))
    if shape.is_continued:
        found = found.where(order.after(place, listing_id))
    few = found.order_by(*order.sorted(place, listing_id)).limit(bindparam("most", type_=Integer)).subquery()
    return select(*few.c)


_NEXT = "next"


def _told(rows: Iterable[Any]) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Counts by filter and choice, and the ids of what comes next."""
    counts: dict[str, dict[str, int]] = {"total": {}}
    ids = []
    for name, value, count in rows:
        if name == _NEXT:
            ids.append(value)
        for choice in value.split(",") if count and (value or name == "total") else ():
            beside = counts.setdefault(name, {})
            beside[choice] = beside.get(choice, 0) + count
    return counts, ids


@lru_cache
def _few(sorting: str) -> Select[Any]:
    """Results by their ids, with the place of each in the order."""
    order = _ORDERS[sorting]
    query = select(Listing, order.by.label("place")).join(Listing.provider).options(contains_eager(Listing.provider))
    named = Listing.id == any_(bindparam("ids", type_=ARRAY(String)))
    return query.where(named).order_by(*order.sorted(order.by, Listing.id))


def _cursor(asked: Search, last: Any) -> str:
    place = last.place.isoformat() if isinstance(last.place, datetime) else last.place
    return make_cursor(json.dumps([asked.sorting, place, last[0].id], ensure_ascii=False))


def _position(asked: Search) -> dict[str, Any]:
    """After which result the page begins."""
    try:
        sorting, place, listing_id = json.loads(read_cursor(asked.cursor or ""))
        if sorting != asked.sorting or not isinstance(listing_id, str):
            raise ValueError
        return {"place": _ORDERS[sorting].read(place), "last_id": listing_id}
    except (ValueError, TypeError) as error:
        raise Invalid(
            {"cursor": [text("カーソルが正しくありません。同じ条件の前の応答の next_cursor を指定してください。")]}
        ) from error
