"""The way to a holder's own storage place: its bucket, the keys for it, the objects in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from exchange import buckets, clock, sts, vault
from exchange.errors import text
from listings.models import StoragePlace

HOUSE = "exchange-house"  # the name of sessions that are nobody's contract: reading, checking, logs


def owner_of(place: StoragePlace) -> str:
    """What a place's secret is sealed for."""
    return f"storage_place/{place.id}"


def bucket_of(place: StoragePlace) -> buckets.Bucket:
    """Where it is."""
    return buckets.Bucket(place.endpoint_url, place.region, place.bucket)


def keys_for(
    place: StoragePlace, keys: Iterable[str], *, name: str = HOUSE, seconds: int = 60, after: datetime | None = None
) -> tuple[buckets.Keys, int | None]:
    """Keys that read these objects, and for how many seconds they are good; None for as long as their holder lets them.

    Raises `vault.SecretLost`, and `sts.RoleRefused` where the role may not be assumed any more.
    """
    if place.kind == "key":
        return _own_key(place), None
    reach = sts.reach(place.bucket, keys, within=place.prefix)
    found = sts.session(
        role_of(place), name=name, reach=reach, seconds=seconds, external_id=place.external_id, after=after
    )
    return found.keys, found.seconds_left(clock.real_now())


def house_keys(place: StoragePlace) -> buckets.Keys:
    """Keys with all that the place's role or key may do: for checking it, and for its logs."""
    if place.kind == "key":
        return _own_key(place)
    return sts.assume(role_of(place), name=HOUSE, external_id=place.external_id).keys


def role_of(place: StoragePlace) -> str:
    """The role of a place; one of our own account, which would trust us for other reasons, is refused every time."""
    role = place.role_arn or ""
    if role.split(":")[4] == sts.account():
        raise sts.RoleRefused("OwnAccount")
    return role


def _own_key(place: StoragePlace) -> buckets.Keys:
    return buckets.Keys(place.access_key or "", vault.unseal(place.secret_sealed or "", of=owner_of(place)))


def head(place: StoragePlace, key: str, *, version_id: str | None = None) -> buckets.HeldHead | None:
    """What the place says of an object; None where there is none."""
    return buckets.head(bucket_of(place), keys_for(place, [key])[0], key, version_id=version_id)


def download(place: StoragePlace, key: str, path: Path, *, of: buckets.HeldHead) -> bool:
    """Fetch the object that `head` saw into a file; False where it is another one by now."""
    return buckets.download(bucket_of(place), keys_for(place, [key])[0], key, path, of=of)


def piece(place: StoragePlace, key: str, *, start: int, stop: int) -> bytes:
    """The bytes of an object from `start` up to `stop`, which is not included."""
    return buckets.piece(bucket_of(place), keys_for(place, [key])[0], key, start=start, stop=stop)


# ── what its holder has to set ───────────────────────────────────────────────────────────────────────────────────────


def permissions(place: StoragePlace) -> dict[str, object]:
    """The permissions that the exchange needs there, as an AWS policy: reading under the prefix, and the log."""
    arn = f"arn:aws:s3:::{place.bucket}"
    statements: list[dict[str, object]] = [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": f"{arn}/{sts.literal(place.prefix)}*",
        },
        {"Effect": "Allow", "Action": "s3:GetBucketLogging", "Resource": arn},
    ]
    if place.log_location:
        bucket, prefix = log_place(place.log_location)
        log = f"arn:aws:s3:::{bucket}"
        only = {"StringLike": {"s3:prefix": f"{prefix}*"}}
        statements.append({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": log, "Condition": only})
        statements.append({"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{log}/{sts.literal(prefix)}*"})
    return {"Version": "2012-10-17", "Statement": statements}


def trust(place: StoragePlace) -> dict[str, object]:
    """The trust policy of the role: the exchange's account alone, and only with this place's external id."""
    try:
        account = sts.account()
    except sts.RoleRefused:
        account = str(text("（取引市場のAWSアカウント番号。運営者にお問い合わせください）"))
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": place.external_id}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def log_place(location: str) -> tuple[str, str]:
    """Bucket and prefix of a log's location."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    return bucket, prefix
