"""Logs of other stores and of a distribution count as the gateway's do, from a folder or a bucket, in any state."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest
from sqlalchemy import select

from delivery import access_logs, actions, jobs, queries, watching
from delivery.models import LogFile, SetAside
from exchange import clock, storage
from exchange.config import config
from exchange.database import session
from exchange.identity.models import Notice
from tests.delivery.deals import deal
from tests.delivery.test_metering import draw, totals

AT = datetime(2026, 11, 24, 6, 0, 0, tzinfo=clock.JST)
SAMPLES = Path(__file__).resolve().parents[3] / "shared/data/s3logs/access_log_valid_14.log"


@pytest.fixture
def read_from(db, monkeypatch, tmp_path):
    """Have the meter read logs of a source from a folder (the test's own, unless told)."""

    def use(source, location=None):
        monkeypatch.setenv("LOG_SOURCE", source)
        monkeypatch.setenv("LOG_LOCATION", location or str(tmp_path))
        config.cache_clear()
        return tmp_path

    yield use
    monkeypatch.undo()
    config.cache_clear()


def meter(at=None):
    done = actions.read_access_logs(at=at or clock.now())
    session.commit()
    return done


def s3_line(request_id, link, *, sent=0, status=200, method="GET", second=0, bucket="objects", agent='"curl/8"'):
    """A line as S3 writes it, with fields that were added at the end."""
    parts = urlsplit(link.url)
    key = quote(quote(unquote(parts.path).removeprefix(f"/{bucket}/")))
    return (
        f"79a5 {bucket} [24/Nov/2026:06:00:{second:02d} +0000] 203.0.113.9 - {request_id} REST.{method}.OBJECT {key}"
        f' "{method} {parts.path}?{parts.query} HTTP/1.1" {status} - {sent or "-"} 1000 70 10 "-" {agent} - host='
        " SigV4 ECDHE QueryString objects.s3.amazonaws.com TLSv1.3 - - ap-northeast-1 added later"
    )


def s3_json(request_id, link, *, sent=0, status=200, second=0):
    parts = urlsplit(link.url)
    told = {"bucket_name": "objects", "request_time": f"2026-11-24T06:00:{second:02d}.123Z", "request_id": request_id}
    told |= {"remote_ip": "203.0.113.9", "operation": "REST.GET.OBJECT", "http_status": status, "bytes_sent": sent}
    told |= {"request_uri": f"GET {parts.path}?{parts.query} HTTP/1.1", "authentication_type": "QueryString"}
    return json.dumps(told)


FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent) cs-uri-query"
    " x-edge-request-id sc-content-len sc-range-start sc-range-end"
)
HEAD = f"#Version: 1.0\n#Fields: {FIELDS}\n"


def cloudfront(request_id, link, *, sent=0, status=200, content="-", first="-", last="-"):
    parts = urlsplit(link.url)
    stem = quote(parts.path.removeprefix("/objects"))  # escaped once more than it was asked for
    told = ["2026-11-24", "06:00:00", "NRT", sent, "203.0.113.9", "GET", "d.cloudfront.net", stem, status, "curl%2F8"]
    return "\t".join(map(str, [*told, parts.query, request_id, content, first, last]))


@pytest.mark.parametrize(
    ("sent", "billed", "downloads"),
    [([1000], 1000, 1), ([400, 600], 1000, 1), ([300, 300], 600, 0), ([1000, 1000, 1000], 1000, 1), ([], 0, 0)],
)
@pytest.mark.parametrize("line", [s3_line, s3_json])
def test_without_ranges_the_sum_of_bytes_sent_is_billed_up_to_the_object(
    world, read_from, line, sent, billed, downloads
):
    folder = read_from({s3_line: "s3-access", s3_json: "s3-json"}[line])
    made = deal(world)
    link = draw(made)
    told = [line(f"r{n}", link, sent=size, second=n) for n, size in enumerate(sent)]
    told.append(line("refused", link, sent=300, status=403))
    for n, text in enumerate(told):  # one file each: the sum goes on over readings
        (folder / f"log-{n}").write_text(text + "\n")
        meter()
    found = totals(made)
    assert (found.billable_bytes, found.delivered_bytes, found.downloads) == (billed, sum(sent), downloads)


def test_the_houses_own_reads_are_passed_over_and_a_strangers_is_an_alarm(world, read_from):
    folder, link = read_from("s3-access"), draw(deal(world))
    line = s3_line("r1", link, sent=500).replace(f"x-grant={link.id}&", "")
    (folder / "log").write_text("\n".join([line.replace(" QueryString ", " AuthHeader "), line, "half a line", ""]))
    meter()
    assert sorted(session.scalars(select(SetAside.reason))) == ["malformed", "no-grant"]


def test_cloudfront_tells_ranges_and_its_headers_are_not_billed(world, read_from):
    folder, made = read_from("cloudfront"), deal(world)
    link = draw(made)
    whole, part = draw(made), cloudfront("r1", link, sent=700, status=206, content=300, first=700, last=999)
    (folder / "a.gz").write_bytes(gzip.compress((HEAD + part + "\n").encode()))
    meter()
    assert totals(made).billable_bytes == 300
    (folder / "b.gz").write_bytes(gzip.compress((HEAD + cloudfront("r2", whole, sent=1500, content=1000)).encode()))
    meter()
    assert (totals(made).billable_bytes, totals(made).delivered_bytes) == (1000, 1300)


def test_a_file_that_grows_is_packed_broken_or_seen_again_counts_each_line_once(world, read_from):
    folder, made = read_from("s3-access"), deal(world)
    link = draw(made)
    lines = [s3_line(f"r{n}", link, sent=100, second=n) + "\n" for n in range(4)]
    packed = gzip.compress("".join(lines[:3]).encode())
    (folder / "a.gz").write_bytes(packed[:40])
    (folder / "b").write_text(lines[0] + lines[1][:60])
    meter()
    assert totals(made).billable_bytes == 100
    (folder / "a.gz").write_bytes(packed)
    (folder / "b").write_text(lines[0] + lines[1])
    (folder / "copies").mkdir()
    (folder / "copies" / "b again").write_text(lines[3] + lines[0] + "malformed\n")
    meter()
    meter()
    assert totals(made).billable_bytes == 400
    (folder / "c.gz").write_bytes(packed[:60] + b"xxxxxxxx" + packed[68:])
    meter()
    assert totals(made).billable_bytes == 400
    assert sorted(set(session.scalars(select(SetAside.reason)))) in (["damaged", "malformed"], ["malformed"])


def test_a_bucket_is_read_by_prefix_and_what_was_read_is_not_fetched_again(world, read_from, monkeypatch):
    read_from("s3-access", "s3://objects/logs/")
    made = deal(world)
    link = draw(made)
    storage.put("logs/1", s3_line("r1", link, sent=400).encode())  # whole, though no line feed ends it
    storage.put("logs/2.gz", gzip.compress(s3_line("r2", link, sent=300, second=1).encode()))
    storage.put("elsewhere/3", s3_line("r3", link, sent=200).encode())
    try:
        assert (meter().counted, totals(made).billable_bytes) == (2, 700)
        monkeypatch.setattr("delivery.log_places.Bucket.open", None)
        assert meter().is_complete
    finally:
        for key in ("logs/1", "logs/2.gz", "elsewhere/3"):
            storage.delete(key)


def test_a_backlog_is_worked_off_in_runs_and_the_meter_says_that_it_is_behind(world, read_from, monkeypatch):
    folder, made = read_from("s3-access"), deal(world)
    link = draw(made)
    for n in range(3):
        (folder / f"log-{n}").write_text(s3_line(f"r{n}", link, sent=100, second=n) + "\n")
    monkeypatch.setattr("delivery.reading.BYTES_A_RUN", 1)
    runs = [meter().is_complete for _ in range(4)]
    assert runs == [False, False, False, True]
    assert totals(made).billable_bytes == 300


def test_a_meter_that_lags_an_hour_is_told_once(world, read_from):
    folder, link = read_from("s3-access"), draw(deal(world))
    admin = world.admin
    (folder / "log").write_text(s3_line("r1", link, sent=100) + "\n")
    meter(AT + timedelta(days=1))
    newest = queries.read_through()
    assert newest == datetime(2026, 11, 24, 15, 0, tzinfo=clock.JST)

    def letters():
        return len(session.scalars(select(Notice).where(Notice.member_id == admin.member.id)).all())

    before = letters()
    for minutes, told in ((59, 0), (61, 1), (90, 1)):
        watching.watch(at=newest + timedelta(minutes=minutes))
        assert letters() - before == told
    (folder / "log 2").write_text(s3_line("r2", link, sent=100, second=59) + "\n")
    meter(AT + timedelta(days=1))
    watching.watch(at=newest + timedelta(minutes=50))
    watching.watch(at=newest + timedelta(minutes=99))
    assert letters() - before == 2
    names = [reading.name for reading in watching.readings(newest)]
    assert "exchange_log_lag_seconds" in names and "exchange_log_newest_line_age_seconds" in names


def test_a_bucket_is_listed_once_a_minute(read_from, monkeypatch):
    read_from("s3-access", "s3://objects/logs/")
    monkeypatch.setattr(jobs, "_bucket", {})
    at = clock.now()
    for second in range(3):
        jobs.read_access_logs(at=at + timedelta(seconds=second))
    assert session.scalars(select(LogFile)).all() == []
    assert jobs._bucket == {"next": at + timedelta(minutes=1)}


def test_lines_as_people_found_them_are_read():
    if not SAMPLES.exists():
        pytest.skip("the samples of S3 logs are not here; none of the other tests needs them")
    told = json.loads(access_logs.as_json("s3-access", SAMPLES.read_text(), bucket="media.example.jp"))
    assert not [record for record in told if record["reason"]]
    assert [(r["method"], r["status"], r["bytes_sent"]) for r in told] == [
        ("GET", 200, 18547033),
        ("GET", 206, 4194304),
        ("HEAD", 200, 0),
        ("GET", 304, 0),
    ]
