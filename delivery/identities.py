"""Who signs a link: which key or role session, for an object of which place.

    managed storage   our own key, or with STS_ROLE_ARN a session of that role for each contract
    own bucket, key   the key that its holder gave
    own bucket, role  a session of the holder's role for each contract

A session is limited by its policy to the contract's objects, named after it, and lives a quarter of an hour; a link ends
with its session, whatever it says of itself, so no link is given a longer life than its session has left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from delivery import presigning
from delivery.models import IdentityRevocation
from exchange import clock, storage, sts
from exchange.buckets import Keys
from exchange.config import config
from exchange.database import session
from listings import held
from listings.models import StoragePlace

Sign = Callable[[str, Mapping[str, str]], str]


class Located(Protocol):
    """An object, and where it lies (`place_id` None: managed storage)."""

    @property
    def key(self) -> str: ...
    @property
    def place_id(self) -> str | None: ...
    @property
    def listing_id(self) -> str: ...


@dataclass(frozen=True)
class Signing:
    """A signer for each place, and for how many seconds the links are good: what was asked, or less."""

    by_place: Mapping[str | None, Sign]
    seconds: int


@dataclass(frozen=True)
class _Identity:
    place: presigning.Place
    credential: presigning.Credential
    region: str
    seconds: int | None  # for which it may still sign


def signing(objects: Sequence[Located], *, contract_id: str | None, expires_in: int, at: datetime) -> Signing:
    """Signers for links to these objects, good for `expires_in` seconds from `at` (real time), or as long as can be.

    Raises `sts.RoleRefused` where a role may not be assumed (503), `vault.SecretLost` where a holder's key cannot be
    opened.
    """
    if config().sts_role_arn is None and all(of.place_id is None for of in objects):
        return Signing({None: presigning.signer(expires_in=expires_in, at=at)}, expires_in)
    wanted: dict[str | None, list[str]] = {}
    for of in objects:
        wanted.setdefault(of.place_id, []).append(of.key)
    name = session_name(contract_id, objects[0].listing_id)
    after = _revoked_at(contract_id) if contract_id else None
    listing = objects[0].listing_id
    found = {
        place_id: _held(place_id, keys, name, expires_in, after)
        if place_id
        else _managed(listing, keys, name, expires_in, after)
        for place_id, keys in wanted.items()
    }
    elapsed = max(0, int((clock.real_now() - at).total_seconds()))
    left = [identity.seconds + elapsed for identity in found.values() if identity.seconds is not None]
    seconds = max(1, min([expires_in, *left]))
    return Signing(
        {
            place_id: presigning.signer_at(
                identity.place, identity.credential, region=identity.region, expires_in=seconds, at=at
            )
            for place_id, identity in found.items()
        },
        seconds,
    )


def session_name(contract_id: str | None, listing_id: str) -> str:
    """What the sessions of a contract are named: its id is in the logs of AWS, and in what denies it."""
    return f"contract-{contract_id}" if contract_id else f"listing-{listing_id}"


def _managed(listing_id: str, keys: list[str], name: str, seconds: int, after: datetime | None) -> _Identity:
    c, place = config(), presigning.place(storage.public_origin())
    if c.sts_role_arn is None:
        return _Identity(place, presigning.credential(), c.s3_region, None)
    reach = sts.reach(c.s3_bucket, keys, within=f"files/{listing_id}/")
    found = sts.session(c.sts_role_arn, name=name, reach=reach, seconds=seconds, after=after)
    return _Identity(place, _credential(found.keys), c.s3_region, found.seconds_left(clock.real_now()))


def _held(place_id: str, keys: list[str], name: str, seconds: int, after: datetime | None) -> _Identity:
    place = session.get_one(StoragePlace, place_id)
    found, left = held.keys_for(place, keys, name=name, seconds=seconds, after=after)
    where = presigning.place_of(held.bucket_of(place).url + presigning.PROBE_KEY)
    return _Identity(where, _credential(found), place.region, left)


def _credential(keys: Keys) -> presigning.Credential:
    return presigning.Credential(keys.access_key, keys.secret_key, keys.token)


def _revoked_at(contract_id: str) -> datetime | None:
    kept = session.get(IdentityRevocation, contract_id, populate_existing=True)
    return kept.revoked_at.astimezone(UTC) + timedelta(seconds=1) if kept else None
