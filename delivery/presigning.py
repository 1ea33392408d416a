"""Presigned GETs (AWS Signature Version 4 in the query), signed here because boto3 takes longer than the whole request.

The signing key is derived once a day, region and credential; the canonical request is a template into which the key,
the time and the query go. The result is what botocore's own `S3SigV4QueryAuth` gives, byte for byte (tested).

Source: AWS, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from exchange import storage
from exchange.config import config

UNRESERVED = "-._~"
_ESCAPES = [chr(n) if chr(n) in UNRESERVED or (n < 128 and chr(n).isalnum()) else f"%{n:02X}" for n in range(256)]
_PATH_ESCAPES = ["/" if n == ord("/") else escape for n, escape in enumerate(_ESCAPES)]
PROBE_KEY = "k"


@dataclass(frozen=True)
class Place:
    """Where a bucket is reached."""

    origin: str  # scheme and authority, as in the URL
    host: str  # the Host header clients send there
    path: str  # before an object's key: "/" for a bucket with a host of its own, "/bucket/" otherwise


@dataclass(frozen=True)
class Credential:
    """An access key; `token` comes with the temporary ones."""

    access_key: str
    secret_key: str
    token: str | None = None


def signer(*, expires_in: int, at: datetime) -> Callable[[str, Mapping[str, str]], str]:
    """A function that makes URLs for objects of the managed bucket, good for so many seconds from `at` (real time).

    It takes a key, and a query that is signed with it: `x-…` parameters, which the store ignores and logs, and
    `response-…` headers. What links of one request have in common is computed once.
    """
    return signer_at(
        place(storage.public_origin()), credential(), region=config().s3_region, expires_in=expires_in, at=at
    )


def signer_at(
    place: Place, credential: Credential, *, region: str, expires_in: int, at: datetime
) -> Callable[[str, Mapping[str, str]], str]:
    """The same for any place, credential and region. The query keeps its order in the URL."""
    moment = f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    signing_key = _signing_key(credential.secret_key, moment[:8], region)
    common = [
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        f"X-Amz-Credential={_quoted(f'{credential.access_key}/{scope}')}",
        f"X-Amz-Date={moment}",
        f"X-Amz-Expires={expires_in}",
        "X-Amz-SignedHeaders=host",
    ]
    if credential.token is not None:
        common.append(f"X-Amz-Security-Token={quote(credential.token, safe=UNRESERVED)}")
    head, tail = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n", f"\nhost:{place.host}\n\nhost\nUNSIGNED-PAYLOAD"
    # The signature wants the pairs sorted by name. Ours begin with a capital: any other comes after them.
    ours, ours_sorted = "&".join(common), "&".join(sorted(common))

    def sign(key: str, query: Mapping[str, str]) -> str:
        pairs = [f"{_quoted_name(name)}={_quoted(value)}" for name, value in query.items()]
        path = place.path + _path(key)
        if all(name > "Y" for name in query):
            canonical = "&".join([ours_sorted, *sorted(pairs, key=_name)])
        else:
            canonical = _canonical([*pairs, *common])
        request = f"GET\n{path}\n{canonical}{tail}"
        text = head + sha256(request.encode()).hexdigest()
        signature = hmac.digest(signing_key, text.encode(), "sha256").hex()
        return f"{place.origin}{path}?{'&'.join([*pairs, ours])}&X-Amz-Signature={signature}"

    return sign


@dataclass(frozen=True)
class Signed:
    """What a presigned request asks for, its escapes undone, and until when (real time)."""

    path: str
    query: Mapping[str, str]
    expires_at: datetime


def signed(method: str, uri: str, *, host: str, credential: Credential, region: str) -> Signed | None:
    """What a request asks for where its signature is ours; None for any other. An expired one is still ours.

    Escapes are undone and made anew, as the store does it, so that a client may write `~` for `%7E`. What the store
    would read in another way fails here, or there: a read has to pass both.
    """
    path, _, query = uri.partition("?")
    parts = [pair.partition("=") for pair in query.split("&") if pair]
    pairs = [(unquote_plus(name), unquote_plus(value)) for name, _, value in parts]
    told = dict(pairs)
    moment, lifetime = told.get("X-Amz-Date", ""), told.get("X-Amz-Expires", "")
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    kind = told.get("X-Amz-Algorithm"), told.get("X-Amz-Credential"), told.get("X-Amz-SignedHeaders")
    if kind != ("AWS4-HMAC-SHA256", f"{credential.access_key}/{scope}", "host"):
        return None
    kept = [f"{_quoted(name)}={_quoted(value)}" for name, value in pairs if name != "X-Amz-Signature"]
    request = f"{method}\n{quote(unquote(path), safe='/~')}\n{_canonical(kept)}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(_signing_key(credential.secret_key, moment[:8], region), text.encode(), "sha256").hex()
    if not hmac.compare_digest(signature.encode(), told.get("X-Amz-Signature", "").encode()):
        return None
    signed_at = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return Signed(unquote(path), told, signed_at + timedelta(seconds=int(lifetime)))


def _quoted(text: str) -> str:
    """`urllib.parse.quote`, in half its time: most of signing is this."""
    return text.encode().decode("latin-1").translate(_ESCAPES)


def _name(pair: str) -> str:
    return pair.partition("=")[0]


_quoted_name = lru_cache(maxsize=256)(_quoted)  # of parameters there are few


def _path(key: str) -> str:
    return key.encode().decode("latin-1").translate(_PATH_ESCAPES)


def _canonical(pairs: list[str]) -> str:
    """The query sorted by name, then value, as the signature wants it."""
    return "&".join(sorted(pairs, key=lambda pair: pair.split("=", 1)))


@lru_cache(maxsize=16)
def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for step in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return key


def place(origin: str | None) -> Place:
    """Where clients reach the managed bucket; `origin` None is the store's own default address."""
    if config().embedded_storage and origin is not None:
        return place_of(f"{origin}/{config().s3_bucket}/{PROBE_KEY}")
    return _told_by_boto3(origin)


@lru_cache(maxsize=4)
def _told_by_boto3(origin: str | None) -> Place:
    """AWS's rules for hosts and buckets are long, and botocore knows them: ask it once, with a key that shows where."""
    client = storage.client(origin)
    url = client.generate_presigned_url("get_object", {"Bucket": config().s3_bucket, "Key": PROBE_KEY}, ExpiresIn=60)
    return place_of(url)


@lru_cache(maxsize=64)  # few, and no more: strangers choose the Host header
def place_of(url: str) -> Place:
    """The place of a bucket, from the URL of the object `PROBE_KEY` in it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    if parts.port not in (None, {"http": 80, "https": 443}[parts.scheme]):
        host = f"{host}:{parts.port}"
    return Place(f"{parts.scheme}://{parts.netloc}", host, parts.path.removesuffix(PROBE_KEY))


def credential() -> Credential:
    """The configured access key, else what boto3's chain gives now: it refreshes temporary ones before they end."""
    c = config()
    if c.s3_access_key and c.s3_secret_key:
        return Credential(c.s3_access_key, c.s3_secret_key)
    frozen = _chain().get_frozen_credentials()
    return Credential(frozen.access_key, frozen.secret_key, frozen.token)


@lru_cache(maxsize=1)
def _chain() -> Any:
    import boto3

    found = boto3.Session().get_credentials()
    if found is None:
        raise storage.StorageUnavailable("no credentials for the object storage")
    return found
