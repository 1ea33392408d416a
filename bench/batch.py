"""`batch`: ten thousand links at once, against bare HMAC chains, and against boto3's signing in a loop."""

from __future__ import annotations

import hmac
import json
import statistics
import time
import urllib.request
from collections.abc import Callable

from bench import delivered, load
from bench.house import House
from delivery import presigning
from exchange import clock, storage
from exchange.config import config

LINKS = 10_000
ROUNDS = 7
SIGNING_AT_MOST, REQUEST_AT_LEAST = 4.0, 5.0
BOTO3_SAMPLE = 1_000  # of the ten thousand: it takes seconds


def run(house: House) -> bool:
    """Print what signing and the whole request take; whether both reach what they have to."""
    made = delivered.deal()
    ids = delivered.files(made, LINKS)
    house.serve()
    keys = [f"files/{each}/data.csv" for each in ids]
    body = json.dumps({"file_ids": ids}).encode()
    tokens = iter(made.tokens)

    def request() -> None:
        headers = {"Authorization": f"Bearer {next(tokens)}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{house.port}/api/v1/contracts/{made.contract_id}/links/batch"
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
            if answer.read().count(b'"expires_at": ') != LINKS:
                raise RuntimeError("not every link came")

    found = _alternated(
        {"sign": lambda: _sign(keys), "bare": _chains, "request": request, "boto3": lambda: _boto3(keys)}
    )
    found["boto3"] = [each * LINKS / BOTO3_SAMPLE for each in found["boto3"]]
    told = {name: statistics.median(values) for name, values in found.items()}
    signing = load.median_ratio(found["sign"], found["bare"])
    faster = load.median_ratio(found["boto3"], found["request"])
    print(
        f"batch: signing {LINKS:,} links takes {signing:.2f} × as many bare HMAC chains, at most {SIGNING_AT_MOST:.0f};"
        f" {told['sign'] * 1000:.0f} against {told['bare'] * 1000:.0f} ms"
    )
    print(
        f"batch: the whole request is {faster:.1f} × faster than boto3's signing alone, at least {REQUEST_AT_LEAST:.0f};"
        f" {told['request'] * 1000:.0f} against {told['boto3'] * 1000:.0f} ms"
    )
    return signing <= SIGNING_AT_MOST and faster >= REQUEST_AT_LEAST


def _alternated(sides: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    """Seconds of each side, round by round, after a round that warms up."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(ROUNDS + 1):
        for name, side in sides.items():
            began = time.perf_counter()
            side()
            if turn:
                found[name].append(time.perf_counter() - began)
    return found


def _sign(keys: list[str]) -> None:
    sign = presigning.signer(expires_in=300, at=clock.real_now())
    for key in keys:
        sign(
            key,
            {"x-grant": "0" * 26, "response-content-disposition": "attachment", "response-content-type": "text/csv"},
        )


def _chains() -> None:
    """Signature Version 4 and nothing but: date, region, service, signing key, signature, for each link."""
    for number in range(LINKS):
        key = b"AWS4secret"
        for step in (b"20261125", b"us-east-1", b"s3", b"aws4_request", b"%d" % number):
            key = hmac.digest(key, step, "sha256")
        key.hex()


def _boto3(keys: list[str]) -> None:
    client = storage.client(config().url)
    for key in keys[:BOTO3_SAMPLE]:
        client.generate_presigned_url("get_object", {"Bucket": config().s3_bucket, "Key": key}, ExpiresIn=300)
