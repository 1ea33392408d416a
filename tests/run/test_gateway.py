"""The front door: what it tells the site, what it gives of the bucket, and what its log keeps."""

from __future__ import annotations

import http.client
import json
import os
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from tests.run.instance import Instance, until

pytestmark = pytest.mark.xdist_group("run")
SIZE = 3_000_000


@pytest.fixture
def link(running: Instance) -> str:
    """A presigned link to an object, with a grant among what is signed."""
    told = json.loads((running.home / "run" / "embedded.json").read_text())
    options = {"aws_access_key_id": told["s3_access_key"], "aws_secret_access_key": told["s3_secret_key"]}
    options |= {"region_name": "us-east-1", "config": Config(signature_version="s3v4", s3={"addressing_style": "path"})}
    boto3.client("s3", endpoint_url=told["s3_endpoint_url"], **options).put_object(
        Bucket="objects", Key="a/b.bin", Body=bytes(SIZE)
    )
    front = boto3.client("s3", endpoint_url=running.url, **options)
    front.meta.events.register(
        "before-sign.s3.GetObject", lambda request, **_: request.params.update({"x-grant": "g1"})
    )
    return str(front.generate_presigned_url("get_object", {"Bucket": "objects", "Key": "a/b.bin"}, ExpiresIn=60))


def fetch(running: Instance, url: str, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
    """Status, headers and body, by HTTP as it is."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request(method, f"{parts.path}?{parts.query}", headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


def log_lines(running: Instance) -> list[Any]:
    """What the access log holds."""
    return [json.loads(line) for line in (running.home / "access-logs" / "access.log").read_text().splitlines()]


def test_a_signed_link_gives_the_bytes_and_its_grant_cannot_be_changed(running: Instance, link: str) -> None:
    status, headers, body = fetch(running, link)
    assert (status, len(body), headers["Content-Length"]) == (200, SIZE, str(SIZE))
    assert headers["Content-Encoding"] is None
    assert fetch(running, link.replace("x-grant=g1", "x-grant=g2"))[0] == 403


def test_a_range_is_answered_as_a_range(running: Instance, link: str) -> None:
    status, headers, body = fetch(running, link, Range="bytes=10-19")
    assert (status, headers["Content-Range"], len(body)) == (206, f"bytes 10-19/{SIZE}", 10)


def test_the_log_counts_what_left_and_keeps_no_signature(running: Instance, link: str) -> None:
    before = len(log_lines(running))
    fetch(running, link)
    fetch(running, link, Range="bytes=0-99", Cookie="session=secret", Authorization="")
    assert until(lambda: len(log_lines(running)) >= before + 2, 5)

    whole, part = log_lines(running)[before:][:2]
    assert (whole["status"], whole["size"]) == (200, SIZE)
    assert (part["status"], part["size"], part["request"]["headers"]["Range"]) == (206, 100, ["bytes=0-99"])
    assert whole["request_id"] != part["request_id"]
    for line in (whole, part):
        assert "x-grant=g1" in line["request"]["uri"]
        assert "X-Amz-Signature=-" in line["request"]["uri"] and "X-Amz-Credential=-" in line["request"]["uri"]
        assert "secret" not in json.dumps(line) and "Authorization" not in line["request"]["headers"]


def test_a_broken_off_download_counts_only_what_was_written(running: Instance, link: str) -> None:
    before = len(log_lines(running))
    parts = urlsplit(link)
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    connection.getresponse().read(1000)
    connection.close()
    assert until(lambda: len(log_lines(running)) > before, 10)
    assert 1000 <= log_lines(running)[before]["size"] <= SIZE


def test_clients_cannot_say_who_they_are(running: Instance) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example", "X-Request-Id": "forged"}
    status, body = running.get("/echo", forged | {"Forwarded": "for=203.0.113.9"})
    told = json.loads(body)["headers"]
    assert status == 200
    assert told["X-Forwarded-For"] == "127.0.0.1"
    assert told["X-Forwarded-Host"] == f"127.0.0.1:{running.port}"
    assert told["X-Request-Id"] != "forged" and "Forwarded" not in told


def test_a_read_asks_the_gate_and_an_upload_does_not(running: Instance, link: str) -> None:
    told = {"X-Gate-Uri": "/objects/a/b.bin?x-grant=g1", "X-Gate-Key": "mine", "X-Forwarded-For": "203.0.113.9"}
    status, _, body = fetch(running, link.replace("x-grant=g1", "x-grant=g2"), **told, Cookie="session=secret")
    asked = json.loads(body)
    uri = asked["headers"]["X-Gate-Uri"]
    assert status == 403 and asked["args"] == {}
    assert uri.startswith("/objects/a/b.bin?") and "x-grant=g2" in uri and "X-Amz-Signature=" in uri
    assert asked["headers"]["X-Gate-Method"] == "GET" and asked["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert asked["headers"]["X-Gate-Key"] == (running.home / "keys" / "gate").read_text()
    assert asked["headers"]["Host"] == f"127.0.0.1:{running.port}" and "Cookie" not in asked["headers"]

    for method in ("GET", "HEAD"):
        assert fetch(running, f"{running.url}/objects?list-type=2", method)[0] == 403
        assert fetch(running, f"{running.url}/OBJECTS//a/b.bin?", method)[0] == 403
    answer = fetch(running, link, "PUT")
    assert answer[0] == 403 and b"SignatureDoesNotMatch" in answer[2]  # of the store: the link is for reading


def test_the_question_to_the_gate_is_no_line_of_the_log(running: Instance, link: str) -> None:
    before = len(log_lines(running))
    fetch(running, link.replace("x-grant=g1", "x-grant=g2"))
    fetch(running, link)
    assert until(lambda: len(log_lines(running)) >= before + 2, 5)
    refused, passed = log_lines(running)[before:]
    assert (refused["status"], passed["status"], passed["size"]) == (403, 200, SIZE)
    kept = json.dumps([refused, passed])
    assert (running.home / "keys" / "gate").read_text() not in kept and "X-Gate" not in kept


def test_where_the_site_is_down_nothing_is_read(link: str, running: Instance) -> None:
    site = running.children()["site"]
    os.kill(site, signal.SIGSTOP)
    try:
        for worker in Path(f"/proc/{site}/task/{site}/children").read_text().split():
            os.kill(int(worker), signal.SIGKILL)
        os.kill(site, signal.SIGKILL)
        assert fetch(running, link)[0] == 502
    finally:
        assert until(lambda: fetch(running, link)[0] == 200, 20)


def test_a_body_beyond_twelve_megabytes_does_not_reach_the_site(running: Instance) -> None:
    assert json.loads(running.get("/echo", data=bytes(1_000_000))[1])["size"] == 1_000_000
    assert running.get("/echo", data=bytes(12_500_000))[0] == 413


def test_where_contracts_are_verified_the_site_itself_refuses_what_is_too_large(running: Instance) -> None:
    assert json.loads(running.get("/verify", data=bytes(25_000_000))[1])["size"] == 25_000_000
