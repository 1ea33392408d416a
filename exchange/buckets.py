"""Buckets that are not ours, reached with the keys their holders gave: read, looked at, never written to.

Every connection is guarded (see `outside`); a proxy of the environment is not used, since it would resolve names itself.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from exchange import errors, outside
from exchange.storage import Head

CONNECT_SECONDS, READ_SECONDS = 5, 20
CHUNK_BYTES = 1 << 20


class BucketUnavailable(errors.Unavailable):
    """A holder's bucket does not answer, or not to our keys; `code` is the store's own word for it."""

    title_ja = errors.N_("提供者の保管場所に接続できません")

    def __init__(self, code: str, status: int = 0) -> None:
        super().__init__(errors.text("提供者の保管場所に接続できません（%(code)s）。", code=code))
        self.code, self.http_status = code, status


@dataclass(frozen=True)
class Keys:
    """An access key; `token` comes with those of a role."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Bucket:
    """A bucket at an endpoint; None is AWS's own in the region."""

    endpoint_url: str | None
    region: str
    name: str

    @property
    def url(self) -> str:
        """Where its objects are, a key to be put behind. AWS wants the bucket in the host; with dots no certificate fits."""
        if self.endpoint_url:
            return f"{self.endpoint_url}/{self.name}/"
        if "." in self.name:
            return f"https://s3.{self.region}.amazonaws.com/{self.name}/"
        return f"https://{self.name}.s3.{self.region}.amazonaws.com/"


@lru_cache(maxsize=32)
def client(bucket: Bucket, keys: Keys) -> Any:
    """An S3 client for a holder's bucket, its connections guarded."""
    import boto3
    from botocore.config import Config

    style = "path" if bucket.endpoint_url or "." in bucket.name else "virtual"
    made = boto3.client(
        "s3",
        endpoint_url=bucket.endpoint_url or f"https://s3.{bucket.region}.amazonaws.com",
        region_name=bucket.region,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": style},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"max_attempts": 1, "mode": "standard"},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            proxies={},
        ),
    )
    guard(made)
    made.meta.events.register("after-call.s3.GetBucketLogging", _tell_root)
    return made


def _tell_root(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    """Stores that do not know the question about logging answer another one, such as a list of objects."""
    parsed["IsLoggingStatus"] = b"BucketLoggingStatus" in http_response.content[:400]


def guard(made: Any) -> None:
    """Have a boto3 client connect only to addresses that were looked at."""
    from botocore import awsrequest
    from urllib3.connection import HTTPConnection
    from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
    from urllib3.util.connection import create_connection

    def connect(self: HTTPConnection) -> socket.socket:
        try:
            addresses = outside.resolve(self._dns_host, self.port)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except outside.NotOutside as error:
            raise NewConnectionError(self, str(error)) from error
        last: OSError = OSError("no address")
        for address in addresses:
            try:
                return create_connection((address, self.port), self.timeout, socket_options=self.socket_options)
            except OSError as error:
                last = error
        if isinstance(last, TimeoutError):
            raise ConnectTimeoutError(self, f"connection to {self.host} timed out") from last
        raise NewConnectionError(self, f"no connection to {self.host}") from last

    pools = {}
    for scheme, pool, connection in (
        ("http", awsrequest.AWSHTTPConnectionPool, awsrequest.AWSHTTPConnection),
        ("https", awsrequest.AWSHTTPSConnectionPool, awsrequest.AWSHTTPSConnection),
    ):
        guarded = type(f"Guarded{connection.__name__}", (connection,), {"_new_conn": connect})
        pools[scheme] = type(f"Guarded{pool.__name__}", (pool,), {"ConnectionCls": guarded})
    # botocore has no setting for this; a test proves that no other way out is left.
    made._endpoint.http_session._manager.pool_classes_by_scheme = pools


def asked(made: Any, operation: str, **parameters: Any) -> Any:
    """What a store answers; raises `BucketUnavailable` with the store's word, or ours where it did not speak S3."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.parsers import ResponseParserError

    try:
        return getattr(made, operation)(**parameters)
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise BucketUnavailable(
            "".join(c for c in code if c.isascii() and c.isalnum())[:40] or str(status), status
        ) from error
    except (BotoCoreError, HTTPClientError, ResponseParserError, ValueError) as error:
        raise BucketUnavailable(type(error).__name__) from error


@dataclass(frozen=True)
class HeldHead(Head):
    """What a holder's store says of an object; no version where the bucket keeps none."""

    version_id: str | None


def head(bucket: Bucket, keys: Keys, key: str, *, version_id: str | None = None) -> HeldHead | None:
    """Size in bytes, ETag and version of an object; None where there is none."""
    more = {"VersionId": version_id} if version_id else {}
    try:
        told = asked(client(bucket, keys), "head_object", Bucket=bucket.name, Key=key, **more)
    except BucketUnavailable as refusal:
        if refusal.http_status == 404:
            return None
        raise
    version = told.get("VersionId")
    return HeldHead(told["ContentLength"], told["ETag"].strip('"'), version if version != "null" else None)


def download(bucket: Bucket, keys: Keys, key: str, path: Path, *, of: HeldHead) -> bool:
    """Fetch the object that `head` saw into a file; False where another one came, or not all of it."""
    more = {"VersionId": of.version_id} if of.version_id else {"IfMatch": f'"{of.etag}"'}
    try:
        told = asked(client(bucket, keys), "get_object", Bucket=bucket.name, Key=key, **more)
    except BucketUnavailable as refusal:
        if refusal.http_status in (404, 412):
            return False
        raise
    left = of.size
    with path.open("wb") as copy:
        for chunk in _chunks(told["Body"]):
            left -= len(chunk)
            if left < 0:
                return False
            copy.write(chunk)
    return left == 0 and told["ETag"].strip('"') == of.etag


def _chunks(body: Any) -> Iterator[bytes]:
    from botocore.exceptions import BotoCoreError, HTTPClientError

    try:
        yield from body.iter_chunks(CHUNK_BYTES)
    except (BotoCoreError, HTTPClientError, OSError) as error:
        raise BucketUnavailable(type(error).__name__) from error


def piece(bucket: Bucket, keys: Keys, key: str, *, start: int, stop: int) -> bytes:
    """The bytes of an object from `start` up to `stop`, which is not included."""
    asked_for = {"Bucket": bucket.name, "Key": key, "Range": f"bytes={start}-{stop - 1}"}
    body: bytes = asked(client(bucket, keys), "get_object", **asked_for)["Body"].read(stop - start)
    return body
