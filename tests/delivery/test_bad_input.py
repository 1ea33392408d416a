"""What machines and people get wrong: clocks, huge and hostile logs, objects that are gone."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
import urllib.error
import urllib.request
from datetime import timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import select

from delivery import log_places, queries, reconciling, watching
from delivery.models import Difference, Grant, LogFile, RequestLine, SetAside
from exchange import clock, storage
from exchange.database import session
from exchange.identity.models import Notice
from tests.delivery.deals import deal, log_line
from tests.delivery.test_log_sources import HEAD, cloudfront, meter, read_from, s3_json, s3_line
from tests.delivery.test_metering import draw, log, read, totals

_ = (log, read_from)  # the fixtures
MEGABYTE = 1 << 20
EVIL = 'Mozilla "5.0" - 200 "x" 999999999\nGET /objects/k?x-grant=other HTTP/1.1" 200 \x00\r\n\ttab'


# ── user agents with quotes, line feeds and tabs ─────────────────────────────────────────────────────────────────────


def agents():
    return session.scalars(select(RequestLine.user_agent)).all()


def test_a_user_agent_can_pretend_nothing_in_the_gateways_log(world, log):
    made = deal(world)
    told = json.loads(log_line("r1", draw(made), sent=700))
    told["request"]["headers"]["User-Agent"] = [EVIL]
    read(log, [json.dumps(told), json.dumps(told | {"request_id": "r2"}, ensure_ascii=False)])
    assert totals(made).billable_bytes == 700
    assert all(agent.startswith('Mozilla "5.0"') and "\n" in agent for agent in agents()) and len(agents()) == 2


@pytest.mark.parametrize("source", ["s3-access", "s3-json", "cloudfront"])
def test_a_user_agent_can_pretend_nothing_in_delivered_logs(world, read_from, source):
    folder, made = read_from(source), deal(world)
    link = draw(made)
    if source == "s3-access":  # S3 escapes line feeds, not quotes
        lines = s3_line("r1", link, sent=700, agent='"' + EVIL.replace("\n", "\\x0a").replace("\r", "") + '"')
    elif source == "s3-json":
        lines = json.dumps(json.loads(s3_json("r1", link, sent=700)) | {"user_agent": EVIL})
    else:
        lines = HEAD + cloudfront("r1", link, sent=900, content=700).replace("curl%2F8", quote(quote(EVIL)))
    (folder / "log").write_text(lines + "\n")
    meter()
    assert totals(made).billable_bytes == 700
    assert session.scalars(select(SetAside)).all() == [] and agents()[0].startswith("Mozilla")


# ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("minutes", [-10, 10])
def test_lines_of_a_clock_that_is_ten_minutes_off_count_in_the_month_of_their_link(world, log, minutes):
    made = deal(world)
    link = draw(made)
    read(log, [log_line("r1", link, sent=1000, at=time.time() + minutes * 60)])
    assert totals(made).billable_bytes == 1000
    assert session.get_one(Grant, link.id).month == clock.month_of(clock.now())
    newest = session.scalars(select(LogFile.newest_line_at)).one()
    assert newest <= clock.now()


def test_a_clock_that_runs_ahead_does_not_make_a_stopped_meter_look_alive(world, read_from):
    folder, link = read_from("s3-access"), draw(deal(world))
    admin, at = world.admin, clock.now()
    (folder / "log").write_text(s3_line("r1", link, sent=100).replace("24/Nov/2026", "24/Nov/2090") + "\n")
    meter(at)
    assert queries.read_through() == at
    watching.watch(at=at + timedelta(minutes=61))
    assert session.scalars(select(Notice).where(Notice.member_id == admin.id)).all()


# ── sizes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["lines", "one line without end", "packed"])
def test_a_log_of_any_size_is_read_in_bounded_memory(tmp_path, name):
    path, size = tmp_path / "log", 96 * MEGABYTE
    line = b"x" * 1023 + b"\n"
    if name == "lines":
        path.write_bytes(line * (size // len(line)))
    elif name == "packed":
        path.write_bytes(gzip.compress(line * (size // len(line)), 1))
    else:
        with path.open("wb") as file:  # zeros that take no room on the disk
            file.truncate(size)
    place = log_places.Folder(tmp_path)
    ((entry,),) = place.pages()
    with log_places.opened(place, entry, known_as="x") as opened:
        tracemalloc.start()
        read_bytes = sum(len(block.text) for block in opened.blocks(offset=0))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert read_bytes == size
    assert peak < 5 * log_places.BLOCK_BYTES


# ── objects ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_object_that_is_gone_after_the_link_costs_nothing_and_is_found_missing(world, log):
    made = deal(world)
    storage.put(made.file.object_key, b"x" * 1000)
    link = draw(made)
    storage.delete(made.file.object_key)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(link.url, timeout=10)
    assert refused.value.code == 404
    read(log, [log_line("r1", link, status=404, sent=300)])
    assert (totals(made).delivered_bytes, totals(made).billable_bytes) == (0, 0)
    reconciling.reconcile(at=clock.now())
    assert ("object-missing", made.file.object_key) in session.execute(
        select(Difference.kind, Difference.subject)
    ).all()
