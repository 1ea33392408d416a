"""Loads the demo market: every deed is the same action that a person's click would call, told an earlier time."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import delete

from contracts import actions as contracts
from contracts.models import Contract, Offer
from delivery import actions as delivery
from delivery import log_places, metering
from demo import content
from exchange import clock, settings, storage
from exchange.database import new_id, session
from exchange.errors import DomainError
from exchange.identity import actions as identity
from exchange.identity import bank_accounts, rules, terms
from exchange.identity import queries as people
from exchange.identity.models import Member, Organization
from exchange.mail import Letter
from exchange.settings import Settings
from listings import actions as listings
from listings.models import File, Listing
from settlement import actions as settlement
from settlement import queries as books


class NotEmpty(DomainError):
    """The demo market goes into an empty database only."""


class Market:
    """The demo market while it is being filled."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.members: dict[str, Member] = {}
        self.listings: dict[str, Listing] = {}
        self.files: dict[str, File] = {}
        self.offers: dict[str, Offer] = {}
        self.password_hash = identity.password_hash(content.PASSWORD)

    def ago(self, days: float) -> datetime:
        """A moment so many days back."""
        return self.now - timedelta(days=days)


def people_and_organizations(market: Market) -> None:
    """The operator with two administrators, and four verified organizations with their owners."""
    if people.operator_organization() is not None:
        raise NotEmpty("the database is not empty")
    at = market.ago(120)
    name, number = content.OPERATOR
    operator = _organization(name=name, kind="operator", corporate_number=number, at=at)
    for key, person in content.ADMINISTRATORS:
        market.members[key] = _member(market, operator, key, person, rules.OPERATOR_ROLES, at)
    account = bank_accounts.tidy(content.OPERATOR_ACCOUNT)
    settings.save(Settings(bank_account=account, consignor_code=content.CONSIGNOR_CODE), actor=None, at=at)
    for demo in content.ORGANIZATIONS:
        organization = _organization(
            name=demo.name,
            name_en=demo.name_en,
            kind=demo.kind,
            corporate_number=demo.corporate_number,
            municipality_code=demo.municipality_code,
            registration_number=f"T{demo.corporate_number}" if demo.registered else None,
            introduction=demo.introduction,
            bank_account=demo.bank_account or None,
            at=at,
        )
        owner = _member(market, organization, demo.key, demo.person, ("owner",), at)
        owner.may_bind, owner.department = True, demo.department
        market.members[demo.key] = owner
        session.flush()
        identity.verify_organization(organization, by=market.members["admin"], at=at)


def _organization(*, at: datetime, **values: object) -> Organization:
    organization = Organization(
        id=new_id(),
        created_at=at,
        state="verified",
        verified_at=at,
        address="（架空の所在地）",
        representative="（架空の代表者）",
        **values,
    )
    session.add(organization)
    session.flush()
    return organization


def _member(
    market: Market, organization: Organization, key: str, name: str, roles: tuple[str, ...], at: datetime
) -> Member:
    email = f"{key}@{content.DOMAIN}"
    member = identity.new_member(organization, email=email, name=name, roles=roles, may_bind=False, at=at)
    member.password_hash, member.confirmed_at = market.password_hash, at
    member.second_factor_exempt = True  # the demo's administrators sign in with the password alone
    if not member.is_operator:
        terms.accept(member, list(terms.IN_FORCE), address="", at=at)
    session.flush()
    return member


def published_listings(market: Market) -> None:
    """Fourteen published listings, and one that waits for review."""
    for number, demo in enumerate(content.LISTINGS):
        at = market.ago(95 - number)
        listing = _prepared(market, demo, at)
        listings.publish(listing, by=market.members["admin"], at=at + timedelta(hours=30))
    _prepared(market, content.WAITING, market.ago(1.5))


def _prepared(market: Market, demo: content.DemoListing, at: datetime) -> Listing:
    """A listing with its file read and its offer set, submitted for review."""
    owner = market.members[demo.provider]
    listing = listings.draft(_fields(demo, owner), by=owner, at=at)
    session.flush()
    market.listings[demo.key] = listing
    file = market.files[demo.key] = _uploaded(listing, demo, owner, at)
    market.offers[demo.key] = contracts.add_offer(
        listing,
        name="標準",
        template=demo.template,
        price=demo.pricing,
        price_basis=demo.price_basis,
        variables={},
        by=owner,
        at=at,
    )
    return listings.submit(listing, answers=_answers(file), by=owner, at=at + timedelta(hours=1))


def _answers(file: File) -> list[listings.Answer]:
    words = "デモのために作られた架空の値で、実在する人の情報ではありません。"
    return [listings.Answer(file.id, f.kind, f.column, words) for f in file.findings]


def _fields(demo: content.DemoListing, owner: Member) -> listings.ListingFields:
    year = clock.today().year
    open_licence = demo.template if demo.pricing["model"] == "free" else None
    return {
        "title": demo.title,
        "summary": demo.summary,
        "description": f"{demo.summary}\n\nデモのために作られた架空のデータです。実在の団体・場所・人物とは関係がありません。",
        "theme": demo.theme,
        "data_class": demo.data_class,
        "update_frequency": demo.frequency,
        "keywords": list(demo.keywords),
        "area_codes": [],
        "period_start": clock.today().replace(year=year - 1, month=1, day=1),
        "period_end": clock.today().replace(year=year - 1, month=12, day=31),
        "licence": open_licence,
        "source": "デモ用に生成",
        "declaration": True,
        "contact": {"department": owner.department, "email": owner.email, "phone": ""},
        "visibility": "public",
        "invited": [],
    }


def _uploaded(listing: Listing, demo: content.DemoListing, owner: Member, at: datetime) -> File:
    data = demo.make(random.Random(demo.key))
    media_type = "application/geo+json" if demo.file_name.endswith(".geojson") else "text/csv"
    file = listings.add_file(
        listing, name=demo.file_name, size=len(data), media_type=media_type, multipart=False, by=owner, at=at
    )
    session.flush()
    storage.put(file.upload_key, data, media_type)
    listings.complete(file, parts=[], by=owner, at=at)
    session.flush()
    listings.read(file.id, at=at)
    names = [column["name"] for column in file.columns]
    listings.describe_file(file, released_rows=5, released_columns=names, by=owner, at=at)
    return file


def wants(market: Market) -> None:
    """Three wants: one answered with data, one with others joining, one refused with a reason."""
    today = clock.today()
    city, buyer, buyer2 = (market.members[key] for key in ("city", "buyer", "buyer2"))
    asked = listings.want(
        {
            "title": "避難所の備蓄品の一覧",
            "purpose": "災害時に足りない物を地図で示すため",
            "description": "品目と数量、更新日が分かると助かります。",
            "theme": "disaster",
            "area_codes": [],
            "until": today + timedelta(days=60),
        },
        by=buyer,
        at=market.ago(20),
    )
    listings.join(asked, note="防災訓練の計画にも使いたいです。", by=buyer2, at=market.ago(18))
    answered = listings.want(
        {
            "title": "車いすで通れる歩道",
            "purpose": "外出を支える地図を作るため",
            "description": "",
            "theme": "social",
            "area_codes": [],
            "until": today + timedelta(days=30),
        },
        by=buyer2,
        at=market.ago(40),
    )
    session.flush()
    reply: listings.AnswerFields = {
        "kind": "listing",
        "listing_id": market.listings["ramps"].id,
        "message": "こちらをお使いください。",
    }
    listings.answer_want(answered, reply, by=market.members["company"], at=market.ago(35))
    plan: listings.AnswerFields = {
        "kind": "date",
        "planned_on": today + timedelta(days=45),
        "message": "庁内で準備しています。",
    }
    listings.answer_want(asked, plan, by=city, at=market.ago(10))


def concluded(market: Market, key: str, buyer: str, *, days_ago: float) -> Contract:
    """A contract in force on a listing's offer, begun so many days ago."""
    contract = accepted(market, key, buyer, days_ago=days_ago)
    return contracts.approve(contract, by=market.members["admin"], at=market.ago(days_ago - 2))


def accepted(market: Market, key: str, buyer: str, *, days_ago: float) -> Contract:
    """A contract that its provider accepted and that waits for approval."""
    contract = requested(market, key, buyer, days_ago=days_ago)
    provider = market.members[next(d.provider for d in content.LISTINGS if d.key == key)]
    at = market.ago(days_ago - 1)
    signed: dict[str, Any] = {}
    if provider.organization.kind == "municipality":
        signed = {"approval_reference": "情政第12号", "approved_on": at.date(), "signatory": "市長"}
    return contracts.accept(contract, **signed, by=provider, at=at)


def requested(market: Market, key: str, buyer: str, *, days_ago: float) -> Contract:
    """A contract somebody asked for."""
    purpose = (
        "自社の地図サービスで、混雑と経路の案内に使うため"
        if buyer == "buyer"
        else "地域の暮らしを調べ、報告書にまとめるため"
    )
    contract = contracts.request(
        market.offers[key],
        purpose=purpose,
        variables={},
        accept_terms=True,
        by=market.members[buyer],
        at=market.ago(days_ago),
        remote="192.0.2.10",
    )
    session.flush()
    return contract


def delivered(market: Market, contract: Contract, key: str, *, at: datetime, part: float = 1.0) -> None:
    """One download under a contract, or the first part of one, as the gateway would have logged it."""
    buyer = next(m for m in market.members.values() if m.organization_id == contract.buyer_id)
    file = market.files[key]
    link = delivery.issue_link(contract.id, file.id, variant="original", expires_in=300, token_id=None, by=buyer, at=at)
    _logged(link, file.object_key or "", int(link.size * part), at)


def _logged(link: delivery.Link, object_key: str, sent: int, at: datetime) -> None:
    """A line as the gateway writes it, counted."""
    source = replace(log_places.managed(), writes="gateway")
    uri = f"/{source.bucket}/{quote(object_key)}?x-grant={link.id}"
    headers = {"User-Agent": ["curl/8.5.0"]} | ({} if sent == link.size else {"Range": [f"bytes=0-{sent - 1}"]})
    request = {"client_ip": "192.0.2.10", "method": "GET", "uri": uri, "headers": headers}
    line = {"ts": at.timestamp(), "request_id": f"demo-{link.id}", "request": request, "size": sent}
    line["status"] = 200 if sent == link.size else 206
    with metering.reading(source, at=at, ahead=timedelta(0)) as meter:
        meter.add(json.dumps(line), to=meter.file("demo"), head="")


def deals(market: Market) -> None:
    """Contracts in every interesting state, with deliveries, and the month before this one closed."""
    last_month = clock.month_of(market.now.replace(day=1) - timedelta(days=1))
    since, until = clock.month_bounds(last_month)
    begun = (market.now - since).days + 12
    speeds = concluded(market, "speeds", "buyer", days_ago=begun)
    mesh = concluded(market, "mesh", "buyer2", days_ago=begun - 1)
    stops = concluded(market, "bus-stops", "buyer", days_ago=begun - 2)
    chargers = concluded(market, "chargers", "buyer", days_ago=begun - 3)
    settlement.issue_what_is_due(at=market.ago(begun - 5))
    for day in (3, 9, 16, 24):
        delivered(market, speeds, "speeds", at=since + timedelta(days=day, hours=10), part=0.4 if day == 3 else 1.0)
        delivered(market, chargers, "chargers", at=since + timedelta(days=day, hours=11))
    delivered(market, mesh, "mesh", at=since + timedelta(days=5, hours=9))
    delivered(market, stops, "bus-stops", at=since + timedelta(days=2, hours=14))
    for hours in (30, 5):
        if market.ago(hours / 24) > until:
            delivered(market, speeds, "speeds", at=market.ago(hours / 24))
    concluded(market, "daytime", "buyer", days_ago=8)
    accepted(market, "shopping", "buyer", days_ago=4)
    requested(market, "parking", "buyer2", days_ago=2)
    closed_month(market, last_month)


def closed_month(market: Market, month: str) -> None:
    """The month closed by an administrator; every other of its invoices paid."""
    admin = market.members["admin"]
    at = market.ago(0.02)
    settlement.close_month(month, by=admin, at=at)
    session.flush()
    if settlement.continue_close(month, after=None, at=at):
        raise DomainError("the demo's month closes in one step")
    found = books.invoices_seen_by(admin, books.InvoiceFilter(), today=clock.today(), limit=100)
    for invoice in found.items[::2]:
        settlement.record_payment(
            received_on=at.date(),
            payer="ｱｻﾋﾁｽﾞｻ-ﾋﾞｽ(ｶ",
            amount_jpy=invoice.total_jpy,
            reference=invoice.payment_reference,
            by=admin,
            at=at,
        )


def load(now: datetime) -> None:
    """Fill an empty database, all of it or nothing."""
    market = Market(now)
    people_and_organizations(market)
    published_listings(market)
    wants(market)
    deals(market)
    session.flush()
    session.execute(delete(Letter))  # nobody reads mail at the demo's addresses
