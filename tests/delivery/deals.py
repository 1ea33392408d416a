"""Deals without the pages around them: rows of a contract in force on a file, and log lines as the gateway writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contracts.models import Contract, Offer
from exchange import clock
from exchange.database import new_id, session
from exchange.identity.models import Member
from listings.models import File, Listing, Release

METERED = {"model": "metered", "unit": "gigabyte", "tiers": [{"up_to": None, "unit_price_jpy": "1000"}]}
SHA = "0" * 64


@dataclass
class Deal:
    """A listing with files, and a contract in force on it."""

    provider: Any
    buyer: Any
    listing: Listing
    release: Release
    files: list[File]
    contract: Contract
    lines: list[str] = field(default_factory=list)

    @property
    def file(self) -> File:
        return self.files[0]


def deal(
    world: Any,
    *,
    pricing: dict[str, Any] = METERED,
    size: int = 1000,
    files: int = 1,
    twins: Sequence[str] = (),
    data_class: str = "non_personal",
    buyer: Any = None,
    **terms: Any,
) -> Deal:
    """A contract in force, made of rows: metering is tested by the thousand, and pages take their time.

    `twins` are the SHA-256 of the first files' Parquet forms.
    """
    provider = world.organization("提供社")
    buyer = buyer or world.organization("利用社")
    at = clock.now()
    listing = _listing(provider.member, data_class, at)
    release = Release(id=new_id(), listing_id=listing.id, number=1, state="published", created_at=at, published_at=at)
    session.add(release)
    session.flush()
    made = [_file(listing, release, provider.member, size, n, at, twins[n : n + 1]) for n in range(files)]
    offer = Offer(
        id=new_id(),
        listing_id=listing.id,
        name="標準",
        template_key="provision-licence",
        template_version="1",
        pricing=pricing,
        variables={},
        created_at=at,
        created_by=provider.id,
    )
    session.add(offer)
    session.flush()
    contract = _contract(offer, release, provider.member, buyer.member, at, terms)
    session.commit()
    return Deal(provider, buyer, listing, release, made, contract)


def _listing(provider: Member, data_class: str, at: datetime) -> Listing:
    listing = Listing(
        id=new_id(),
        provider_id=provider.organization_id,
        title="地区別人口",
        summary="要約",
        description="説明",
        theme="population",
        data_class=data_class,
        update_frequency="annual",
        source="検証",
        state="published",
        published_at=at,
        created_at=at,
        created_by=provider.id,
        updated_at=at,
    )
    session.add(listing)
    session.flush()
    return listing


def _file(listing: Listing, release: Release, by: Member, size: int, n: int, at: datetime, twin: Sequence[str]) -> File:
    file = File(
        id=new_id(),
        listing_id=listing.id,
        release_id=release.id,
        name=f"人口 {n}.csv",
        media_type="text/csv",
        size=size,
        state="ready",
        created_at=at,
        created_by=by.id,
        upload_key=f"uploads/{n}",
        object_key=f"files/{new_id()}/人口 {n}.csv",
        sha256=SHA,
        format="csv",
        columns=[{"name": "地区", "type": "string"}, {"name": "人口", "type": "integer"}],
        rows=10,
    )
    if twin:
        file.parquet_key, file.parquet_size, file.parquet_sha256 = f"{file.object_key}.parquet", size, twin[0]
    session.add(file)
    session.flush()
    return file


def _contract(
    offer: Offer, release: Release, provider: Member, buyer: Member, at: datetime, terms: dict[str, Any]
) -> Contract:
    row = {
        "number": f"C-{new_id()[-8:]}",
        "offer_id": offer.id,
        "listing_id": offer.listing_id,
        "release_id": release.id,
        "provider_id": provider.organization_id,
        "buyer_id": buyer.organization_id,
        "state": "active",
        "turn": None,
        "purpose": "検証",
        "variables": {"updates": "included"},
        "pricing": offer.pricing,
        "template_key": offer.template_key,
        "template_version": "1",
        "requested_by": buyer.id,
        "requested_at": at,
        "answer_by": at + timedelta(days=45),
        "activated_at": at,
        "starts_on": at.date(),
        "document_sha256": SHA,
    }
    contract = Contract(**(row | terms))
    session.add(contract)
    session.flush()
    return contract


def log_line(
    request_id: str,
    link: Any,
    *,
    at: float = 1_795_500_000.0,
    method: str = "GET",
    status: int = 200,
    sent: int = 0,
    asked: str | None = None,
    answered: str | None = None,
    uri: str | None = None,
) -> str:
    """A line of the gateway's log about a request for a link."""
    headers: dict[str, list[str]] = {"User-Agent": ["curl/8"]} | ({"Range": [asked]} if asked else {})
    told = {
        "level": "info",
        "ts": at,
        "msg": "handled request",
        "request_id": request_id,
        "request": {
            "remote_ip": "203.0.113.9",
            "client_ip": "203.0.113.9",
            "method": method,
            "uri": uri or "/" + link.url.split("/", 3)[3],
            "headers": headers,
        },
        "bytes_read": 0,
        "size": sent,
        "status": status,
        "resp_headers": {"Content-Range": [answered]} if answered else {},
    }
    return json.dumps(told)
