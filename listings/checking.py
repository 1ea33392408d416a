"""Looking at a holder's storage place over the wire: what its key or role can do, and whether what leaves is logged.

Nothing is written there: whether writing is possible is asked by beginning an upload in parts, which makes no object,
and giving it up at once.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from exchange import buckets, sts, vault
from listings import held
from listings.models import StoragePlace

WRONG_KEY = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken")


@dataclass
class Found:
    """What was found, check by check, and where the bucket says that its log goes."""

    results: list[dict[str, str]] = field(default_factory=list)
    log_source: str | None = None
    log_location: str | None = None

    def note(self, check: str, found: str) -> bool:
        """Keep a result; whether it is `passed`."""
        self.results.append({"check": check, "found": found})
        return found == "passed"


def look(place: StoragePlace) -> Found:
    """Ask the place everything, in the order of `places.CHECKS`; later questions only where the way in is good."""
    found = Found()
    if place.kind == "role" and not _role(place, found):
        return found
    try:
        keys = held.house_keys(place)
    except vault.SecretLost:
        found.note("read", "key-lost")
        return found
    except sts.RoleRefused:
        found.note("role", "refused")
        return found
    if not found.note("read", _read(place, keys)):
        return found
    client = buckets.client(held.bucket_of(place), keys)
    for check, answer in (("list", _list(client, place)), ("write", _write(client, place))):
        found.note(check, "accepted" if answer == "wide" and place.accepts_wide else answer)
    _logging(client, place, found)
    return found


def _role(place: StoragePlace, found: Found) -> bool:
    """The role lets us in with our external id, and nobody without. Ours would let in anybody: it is refused."""
    try:
        role = held.role_of(place)
        sts.assume(role, name=held.HOUSE, external_id=place.external_id)
    except sts.RoleRefused as refusal:
        return found.note("role", "own-account" if refusal.code == "OwnAccount" else "refused")
    found.note("role", "passed")
    try:
        sts.assume(role, name=held.HOUSE)
    except sts.RoleRefused as refusal:
        return found.note("external_id", "passed" if refusal.code == "AccessDenied" else "unknown")
    return found.note("external_id", "open")


def _read(place: StoragePlace, keys: buckets.Keys) -> str:
    bucket = held.bucket_of(place)
    try:
        there = buckets.head(bucket, keys, place.probe_key)
        if there is None:
            return "missing"
        more = {"VersionId": there.version_id} if there.version_id else {}
        asked = {"Bucket": bucket.name, "Key": place.probe_key} | more
        asked |= {"Range": "bytes=0-0"} if there.size else {}
        buckets.asked(buckets.client(bucket, keys), "get_object", **asked)["Body"].close()
    except buckets.BucketUnavailable as refusal:
        return _why(refusal)
    return "passed"


def _why(refusal: buckets.BucketUnavailable) -> str:
    if refusal.code in WRONG_KEY:
        return "wrong-key"
    return "refused" if refusal.http_status in (401, 403) else "unreachable"


def _list(client: Any, place: StoragePlace) -> str:
    try:
        buckets.asked(client, "list_objects_v2", Bucket=place.bucket, MaxKeys=1)
    except buckets.BucketUnavailable as refusal:
        return "passed" if refusal.http_status in (401, 403) else "unknown"
    return "wide"


def _write(client: Any, place: StoragePlace) -> str:
    key = f"{place.prefix}exchange-check-{secrets.token_hex(8)}"
    try:
        begun = buckets.asked(client, "create_multipart_upload", Bucket=place.bucket, Key=key)
    except buckets.BucketUnavailable as refusal:
        return "passed" if refusal.http_status in (401, 403) else "unknown"
    with suppress(buckets.BucketUnavailable):  # what stays holds no part and no object
        buckets.asked(client, "abort_multipart_upload", Bucket=place.bucket, Key=key, UploadId=begun["UploadId"])
    return "wide"


def _logging(client: Any, place: StoragePlace, found: Found) -> None:
    answer = _logging_of(client, place, found)
    found.note("logging", answer)
    location = place.log_location or found.log_location
    if answer in ("on", "stated") and location:
        found.note("log_read", _log_read(client, location))


def _logging_of(client: Any, place: StoragePlace, found: Found) -> str:
    """What the bucket says itself comes first; where it says nothing its holder's word counts."""
    stated = "stated" if place.log_location else "unknown"
    try:
        told = buckets.asked(client, "get_bucket_logging", Bucket=place.bucket)
    except buckets.BucketUnavailable:
        return stated
    if not told["IsLoggingStatus"]:
        return stated
    enabled = told.get("LoggingEnabled")
    if not enabled:
        return "off"
    if place.log_location is None:
        found.log_source = "s3-access"
        found.log_location = f"s3://{enabled['TargetBucket']}/{enabled.get('TargetPrefix', '')}"
    return "on"


def _log_read(client: Any, location: str) -> str:
    bucket, prefix = held.log_place(location)
    try:
        listed = buckets.asked(client, "list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=1)
        for item in listed.get("Contents", []):
            buckets.asked(client, "get_object", Bucket=bucket, Key=item["Key"])["Body"].close()
    except buckets.BucketUnavailable:
        return "refused"
    return "passed"
