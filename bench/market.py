"""Rows for the benchmarks: a contract in force with many tokens, and a catalogue of listings."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from contracts import actions, queries
from contracts.models import Contract, Offer
from exchange import clock, database
from exchange.database import new_id, session
from exchange.identity import terms
from exchange.identity.models import ApiToken, Member, Organization
from exchange.identity.queries import digest
from exchange.identity.rules import OPERATOR_ROLES
from listings.models import File, Listing, Release

TOKENS = 2_000
PRICE = {"model": "metered", "unit": "gigabyte", "tiers": [{"up_to": None, "unit_price_jpy": "800"}]}
WORDS = [
    "人口",
    "世帯",
    "避難所",
    "公園",
    "保育所",
    "図書館",
    "道路",
    "橋",
    "河川",
    "観光",
    "イベント",
    "医療",
    "介護",
    "防災",
    "統計",
    "予算",
    "環境",
    "気温",
    "雨量",
    "交通",
]


@dataclass(frozen=True)
class Deal:
    """What the link benchmark needs to know."""

    contract_id: str
    file_id: str
    object_key: str
    tokens: list[str]


def _party(name: str, at: datetime, *, kind: str = "company", roles: Sequence[str] = ("owner",)) -> Member:
    organization = Organization(name=name, kind=kind, state="verified", verified_at=at, created_at=at)
    session.add(organization)
    session.flush()
    member = Member(
        email=f"{new_id()}@bench.example",
        name="担当",
        organization_id=organization.id,
        roles=list(roles),
        may_bind=True,
        session_stamp="bench",
        confirmed_at=at,
        created_at=at,
    )
    session.add(member)
    session.flush()
    return member


def _listing(provider: Member, at: datetime, title: str, description: str) -> tuple[Listing, Release, File]:
    listing = Listing(
        provider_id=provider.organization_id,
        title=title,
        summary=title + "の一覧です。",
        description=description,
        theme="population",
        data_class="non_personal",
        update_frequency="annual",
        keywords=title.split()[:3],
        source="検証",
        contact={"department": "データ課", "email": "data@bench.example", "phone": None},
        state="published",
        published_at=at,
        created_at=at,
        created_by=provider.id,
        updated_at=at,
        pricing_models=["metered"],
        price_from_jpy=800,
        price_text="1 GBあたり 800円",
        formats=["csv"],
        quality=80,
    )
    session.add(listing)
    session.flush()
    release = Release(listing_id=listing.id, number=1, state="published", created_at=at, published_at=at)
    session.add(release)
    session.flush()
    columns = [{"name": word, "type": "text", "nullable": False, "distinct": 10} for word in WORDS[:12]]
    file = File(
        listing_id=listing.id,
        release_id=release.id,
        name=f"{title}.csv",
        media_type="text/csv",
        size=1_000_000,
        state="ready",
        created_at=at,
        created_by=provider.id,
        upload_key="uploads/x",
        object_key=f"files/{new_id()}/{title}.csv",
        sha256="0" * 64,
        format="csv",
        encoding="utf-8",
        rows=1000,
        columns=columns,
        quality=80,
    )
    session.add(file)
    session.flush()
    return listing, release, file


def _offer(listing: Listing, provider: Member, at: datetime) -> Offer:
    offer = Offer(
        listing_id=listing.id,
        name="標準",
        template_key="provision-licence",
        template_version="1",
        pricing=PRICE,
        variables={},
        created_at=at,
        created_by=provider.id,
    )
    session.add(offer)
    session.flush()
    return offer


def contract_with_tokens(*, bare_table: str) -> Deal:
    """A contract in force on a file, and tokens of its buyer."""
    at = clock.now()
    provider, buyer = _party("提供社", at), _party("利用社", at)
    listing, release, file = _listing(provider, at, "地区別 人口", "説明")
    offer = _offer(listing, provider, at)
    contract = Contract(
        number="C-2026-000001",
        offer_id=offer.id,
        listing_id=listing.id,
        release_id=release.id,
        provider_id=provider.organization_id,
        buyer_id=buyer.organization_id,
        state="active",
        turn=None,
        purpose="検証",
        variables={"updates": "included"},
        pricing=PRICE,
        template_key="provision-licence",
        template_version="1",
        requested_by=buyer.id,
        requested_at=at,
        answer_by=at + timedelta(days=45),
        activated_at=at,
        starts_on=at.date(),
        document_sha256="0" * 64,
    )
    session.add(contract)
    tokens = [secrets.token_urlsafe(32) for _ in range(TOKENS)]
    for secret in tokens:
        session.add(
            ApiToken(
                member_id=buyer.id,
                name="bench",
                digest=digest(secret),
                created_at=at,
                expires_at=at + timedelta(days=1),
                last_used_at=clock.real_now() + timedelta(hours=1),  # noted once a minute, not measured here
            )
        )
    session.execute(text(bare_table))
    session.commit()
    return Deal(contract.id, file.id, str(file.object_key), tokens)


@dataclass(frozen=True)
class Active:
    """A contract in force as it came about, and a cookie with which its buyer is signed in."""

    contract_id: str
    cookie: str


def active_contract() -> Active:
    """A contract requested, accepted and approved as people do it."""
    import wsgi

    at = clock.now()
    provider, buyer = _party("提供社", at), _party("利用社", at)
    operator = _party("運営事務局", at, kind="operator", roles=list(OPERATOR_ROLES))
    for party in (provider, buyer):
        terms.accept(party, list(terms.IN_FORCE), address="192.0.2.1", at=at)
    listing, _, _ = _listing(provider, at, "地区別 人口 世帯", "説明です。")
    offer = _offer(listing, provider, at)
    wanted = {"purpose": "地図に示すため", "variables": {}, "accept_terms": True, "remote": "192.0.2.1"}
    with wsgi.app.app_context():
        contract = actions.request(queries.offer_seen_by(buyer, offer.id), **wanted, by=buyer, at=at)
        contract = actions.accept(contract, version=1, remote="192.0.2.2", by=provider, at=at)
        contract = actions.approve(contract, by=operator, at=at)
        session.commit()
        contract_id, signed_in = contract.id, f"{buyer.id}.{buyer.session_stamp}"
    browser = wsgi.app.test_client()
    with browser.session_transaction() as kept:
        kept["_user_id"], kept["_fresh"] = signed_in, True
    cookie = browser.get_cookie("exchange_session")
    assert cookie is not None
    return Active(contract_id, f"{cookie.key}={cookie.value}")


def catalogue(count: int) -> list[str]:
    """Published listings with a file and an offer each; their ids."""
    from listings.actions.drafting import index

    rng, at = random.Random(7), clock.now()
    providers = [_party(f"提供社 {n}", at) for n in range(20)]
    ids = []
    for n in range(count):
        title = " ".join(rng.sample(WORDS, 3)) + f" {n}"
        provider = rng.choice(providers)
        listing, _, _ = _listing(
            provider, at - timedelta(minutes=n), title, "説明です。" + " ".join(rng.choices(WORDS, k=60))
        )
        _offer(listing, provider, at)
        index(listing)
        ids.append(listing.id)
    session.commit()
    session.execute(text("ANALYZE"))
    session.commit()
    database.session.remove()
    return ids
