"""The one bucket of managed storage, over the S3 protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from flask import has_request_context, request

from exchange import errors
from exchange.config import config

PART_SIZE = 64 * 1024 * 1024
COPY_AT_ONCE_MAX = 4 * 1024**3


class StorageUnavailable(errors.Unavailable):
    """The object storage does not answer."""

    title_ja = errors.N_("保管庫に接続できません")


@dataclass(frozen=True)
class Head:
    """What the store says of an object."""

    size: int
    etag: str


@lru_cache(maxsize=8)
def client(endpoint_url: str | None = None) -> Any:
    """An S3 client for an endpoint; the configured one by default.

    boto3 is imported here: it costs a third of a second, and most commands never need it.
    """
    import boto3
    from botocore.config import Config as ClientConfig

    c = config()
    options = ClientConfig(
        signature_version="s3v4",
        s3={"addressing_style": "path" if c.s3_endpoint_url else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"max_attempts": 3, "mode": "standard"},
        connect_timeout=5,
        read_timeout=120,
        max_pool_connections=20,
    )
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url or c.s3_endpoint_url,
        region_name=c.s3_region,
        aws_access_key_id=c.s3_access_key,
        aws_secret_access_key=c.s3_secret_key,
        config=options,
    )


def public_origin() -> str | None:
    """Scheme and host under which clients reach the bucket; None means the store's own default address.

    Embedded, the gateway serves site and bucket on one origin: the one this request came by.
    """
    c = config()
    if not c.embedded_storage:
        return c.s3_public_url
    return f"{request.scheme}://{request.host}" if has_request_context() else c.url


def put(key: str, body: bytes | IO[bytes], media_type: str = "application/octet-stream") -> None:
    """Store an object whole."""
    if isinstance(body, bytes):
        client().put_object(Bucket=config().s3_bucket, Key=key, Body=body, ContentType=media_type)
    else:
        client().upload_fileobj(body, config().s3_bucket, key, ExtraArgs={"ContentType": media_type})


def read(key: str) -> bytes:
    """An object whole; for documents, not for data."""
    body: bytes = client().get_object(Bucket=config().s3_bucket, Key=key)["Body"].read()
    return body


def piece(key: str, *, start: int, stop: int) -> bytes:
    """The bytes of an object from `start` up to `stop`, which is not included."""
    asked = {"Bucket": config().s3_bucket, "Key": key, "Range": f"bytes={start}-{stop - 1}"}
    body: bytes = client().get_object(**asked)["Body"].read()
    return body


def stream(key: str, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
    """An object piece by piece."""
    yield from client().get_object(Bucket=config().s3_bucket, Key=key)["Body"].iter_chunks(chunk_bytes)


def download(key: str, path: Path) -> None:
    """Fetch an object into a file."""
    client().download_file(config().s3_bucket, key, str(path))


def copy(source: str, destination: str) -> None:
    """Copy inside the bucket; large objects in parts, which the store does by itself."""
    bucket = config().s3_bucket
    head_of = head(source)
    if head_of and head_of.size > COPY_AT_ONCE_MAX:
        client().copy({"Bucket": bucket, "Key": source}, bucket, destination)
    else:
        client().copy_object(Bucket=bucket, Key=destination, CopySource={"Bucket": bucket, "Key": source})


def head(key: str) -> Head | None:
    """Size in bytes and ETag of an object, or None where there is none."""
    from botocore.exceptions import ClientError

    try:
        answer = client().head_object(Bucket=config().s3_bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
        raise
    return Head(answer["ContentLength"], answer["ETag"].strip('"'))


def delete(key: str) -> None:
    """Remove an object; one that is not there is no error."""
    client().delete_object(Bucket=config().s3_bucket, Key=key)


def keys(prefix: str = "") -> Iterator[str]:
    """Every key under a prefix."""
    for found in client().get_paginator("list_objects_v2").paginate(Bucket=config().s3_bucket, Prefix=prefix):
        yield from (item["Key"] for item in found.get("Contents", []))


def presign_put(key: str, *, expires_in: int, media_type: str) -> tuple[str, Mapping[str, str]]:
    """A URL that takes one PUT of the object while it lives (seconds), and the headers to send with it."""
    url = client(public_origin()).generate_presigned_url(
        "put_object", {"Bucket": config().s3_bucket, "Key": key, "ContentType": media_type}, ExpiresIn=expires_in
    )
    return url, {"Content-Type": media_type}


def start_multipart(key: str, *, media_type: str) -> str:
    """Begin an upload in parts; its id."""
    upload_id: str = client().create_multipart_upload(Bucket=config().s3_bucket, Key=key, ContentType=media_type)[
        "UploadId"
    ]
    return upload_id


def presign_part(key: str, *, upload_id: str, number: int, expires_in: int) -> str:
    """A URL that takes one part (numbered from 1)."""
    url: str = client(public_origin()).generate_presigned_url(
        "upload_part",
        {"Bucket": config().s3_bucket, "Key": key, "UploadId": upload_id, "PartNumber": number},
        ExpiresIn=expires_in,
    )
    return url


class UploadForgotten(errors.Conflict):
    """The store no longer knows this upload in parts; it has to start again."""

    title_ja = errors.N_("アップロードをはじめからやり直してください")


def complete_multipart(key: str, *, upload_id: str, parts: Sequence[tuple[int, str]]) -> None:
    """Join the parts (number, ETag); raises `UploadForgotten` where the store lost them, `Invalid` on wrong parts."""
    from botocore.exceptions import ClientError

    listed = [{"PartNumber": number, "ETag": etag} for number, etag in sorted(parts)]
    try:
        client().complete_multipart_upload(
            Bucket=config().s3_bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchUpload":
            raise UploadForgotten(
                errors.text("保管庫にこのアップロードの記録がありません。ファイルをもう一度選んで送ってください。")
            ) from error
        raise errors.Invalid(
            {"parts": [errors.text("パートの番号または ETag が保管庫の記録と一致しません。")]}
        ) from error


def abort_multipart(key: str, *, upload_id: str) -> None:
    """Give up an upload in parts; one already gone is no error."""
    from botocore.exceptions import ClientError

    with suppress(ClientError):
        client().abort_multipart_upload(Bucket=config().s3_bucket, Key=key, UploadId=upload_id)


def reason_not_ready() -> str | None:
    """Why the bucket cannot be used, or None when it can."""
    try:
        client().head_bucket(Bucket=config().s3_bucket)
    except Exception as error:  # any failure of the store means "not ready"; its name is all that is told
        return f"object storage: {type(error).__name__}"
    return None
