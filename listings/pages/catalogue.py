"""The catalogue, a listing, and who provides it: pages for everyone."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request
from marshmallow import EXCLUDE, ValidationError

from exchange.errors import Invalid, text
from exchange.identity.rules import KIND_TITLES
from exchange.web.access import me_or_none, public
from listings import queries, rules, schemas, search

blueprint = Blueprint("catalogue", __name__)
FILTERS = ("theme", "kind", "data_class", "pricing", "format", "area")
FILTER_TITLES = {
    "theme": text("テーマ"),
    "kind": text("提供者の種類"),
    "data_class": text("データ区分"),
    "pricing": text("対価"),
    "format": text("形式"),
    "area": text("地域"),
}
WORDS = {
    "theme": rules.THEMES,
    "kind": KIND_TITLES,
    "data_class": rules.DATA_CLASSES,
    "pricing": rules.PRICING_MODELS,
    "area": rules.PREFECTURES,
}
SORT_TITLES = {
    "relevance": text("関連の強い順"),
    "newest": text("新着順"),
    "updated": text("更新が新しい順"),
    "price": text("価格の安い順"),
    "title": text("名前順"),
}


@blueprint.get("/listings")
@public
def index() -> Any:
    """Search and filters with counts, results as rows."""
    asked, found = _found(_asked())
    return render_template(
        "listings/index.html",
        asked=asked,
        found=found,
        chips=[(_chip(asked, name), _without(asked, name)) for name in FILTERS if getattr(asked, name)],
        panel=[_panel(asked, found, name) for name in FILTERS if name != "area"],
        prefectures=rules.PREFECTURES,
        sorts=[(key, words, _url(asked, sort=key)) for key, words in SORT_TITLES.items() if _can_sort(asked, key)],
        next_url=_url(asked, cursor=found.next_cursor) if found.next_cursor else None,
        first_url=_url(asked) if asked.cursor else None,
        rules=rules,
    )


def _found(asked: search.Search) -> tuple[search.Search, search.Found]:
    """What fits; a cursor of an old address leads to the first page."""
    try:
        return asked, search.search(asked, member=me_or_none(), facets=True)
    except Invalid:
        first = replace(asked, cursor=None)
        return first, search.search(first, member=me_or_none(), facets=True)


def _asked() -> search.Search:
    """What the address asks for; a filter that means nothing is left out rather than refused to a person."""
    args = {key: value for key, value in request.args.items() if value}
    schema = schemas.CatalogueArgs(unknown=EXCLUDE)
    try:
        return search.Search(**schema.load(args))
    except ValidationError as error:
        named = error.messages_dict
        return search.Search(**schema.load({key: value for key, value in args.items() if key not in named}))


def _can_sort(asked: search.Search, key: str) -> bool:
    return key != "relevance" or bool(rules.search_query(asked.q))


def _values(asked: search.Search) -> dict[str, str]:
    return {name: value for name in ("q", *FILTERS, "sort") if (value := getattr(asked, name))}


def _url(asked: search.Search, **changed: str | None) -> str:
    values = {key: value for key, value in {**_values(asked), **changed}.items() if value}
    return "/listings" + ("?" + urlencode(values) if values else "")


def _without(asked: search.Search, name: str) -> str:
    return _url(asked, **{name: None})


def _chip(asked: search.Search, name: str) -> text:
    value = getattr(asked, name)
    return text("%(filter)s: %(value)s", filter=FILTER_TITLES[name], value=_word(name, value))


def _word(name: str, value: str) -> text | str:
    word = WORDS.get(name, {}).get(value)
    return text(word) if word else value.upper() if name == "format" else value


def _area(code: str) -> text:
    prefecture = text(rules.PREFECTURES[code[:2]])
    return prefecture if len(code) == 2 else text("%(prefecture)s(%(code)s)", prefecture=prefecture, code=code)


def _panel(asked: search.Search, found: search.Found, name: str) -> dict[str, Any]:
    counts = found.facets.get(name, {})
    known = list(WORDS.get(name, {})) or sorted(counts, key=lambda value: (-counts[value], value))
    options = [
        (_word(name, value), counts[value], _url(asked, **{name: value}), value) for value in known if value in counts
    ]
    return {"name": name, "title": FILTER_TITLES[name], "chosen": getattr(asked, name), "options": options}


@blueprint.get("/listings/<listing_id>")
@public
def show(listing_id: str) -> Any:
    """One listing: may I use it, what does it cost, how do I get it."""
    member = me_or_none()
    listing = queries.listing_seen_by(member, listing_id)
    release = queries.released(listing)
    files = [file for file in queries.kept_files(release) if file.state == "ready"]
    return render_template(
        "listings/show.html",
        listing=listing,
        release=release,
        files=files,
        kept=queries.kept_where(queries.published_files(listing)),
        releases=[r for r in listing.releases if r.state == "published"],
        previews={file.id: schemas.preview(file) for file in files},
        columns={file.id: schemas.columns_answer(file) for file in files},
        areas=[_area(code) for code in listing.area_codes],
        is_own=member is not None and member.organization_id == listing.provider_id,
        rules=rules,
        kinds=KIND_TITLES,
    )


@blueprint.get("/providers/<organization_id>")
@public
def provider(organization_id: str) -> Any:
    """Who a provider is: checked when, listings, recognition."""
    organization = queries.provider(organization_id)
    listings = queries.published_of(organization.id, member=me_or_none())
    return render_template(
        "listings/provider.html", organization=organization, listings=listings, rules=rules, kinds=KIND_TITLES
    )
