"""Much to read, in batches that are parsed, counted and copied at once, is counted as a plain loop would count it."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from delivery import access_logs, log_places, metering
from delivery.models import GrantUsage, LogFile, RequestLine, SetAside
from exchange import clock
from exchange.database import session
from tests.delivery.deals import deal, log_line
from tests.delivery.test_metering import draw, log, read, totals

_ = log  # the fixture
SIZE = 50_000


@pytest.fixture
def small_batches(monkeypatch):
    """Every 100 kB of a log are a batch."""
    monkeypatch.setattr(log_places, "BLOCK_BYTES", 100_000)
    monkeypatch.setattr(metering, "FIRST_BATCH_BYTES", 100_000)
    monkeypatch.setattr(metering, "BATCH_BYTES", 100_000)


def reads(count, *, seed=7):
    """Ranges of an object, short, long, nested and aborted, each with how much of it was sent."""
    rng = random.Random(seed)
    for n in range(count):
        start = rng.randrange(SIZE)
        stop = min(SIZE, start + rng.choice([1, 10, 100, SIZE // 50, SIZE]))
        # The first half reads the object's first half alone, so that it is not whole at once.
        start, stop = (start // 2, max(start // 2 + 1, stop // 2)) if n < count / 2 else (start, stop)
        yield start, stop, rng.choice([stop - start, rng.randint(0, min(200, stop - start))])


def lines_of(links, ranges):
    return [
        log_line(f"r{n}", links[n % len(links)], at=1.7955e9 + n, status=206, asked=f"bytes={a}-{b - 1}", sent=sent)
        for n, (a, b, sent) in enumerate(ranges)
    ]


def added_by(ranges):
    """The plain way: byte by byte, line by line."""
    covered = bytearray(SIZE)
    for start, _, sent in ranges:
        yield covered.count(0, start, start + sent)
        covered[start : start + sent] = b"\1" * sent


@pytest.mark.parametrize("batches", ["one", "many"])
def test_thousands_of_ranges_that_overlap_add_what_a_plain_union_adds(world, log, batches, request):
    if batches == "many":
        request.getfixturevalue("small_batches")
    made, ranges = deal(world, size=SIZE), list(reads(3_000))
    read(log, lines_of([draw(made) for _ in range(7)], ranges))
    added = dict(session.execute(select(RequestLine.request_id, RequestLine.added_bytes)).all())
    expected = list(added_by(ranges))
    assert [added[f"r{n}"] for n in range(len(ranges))] == expected
    found = totals(made)
    assert (found.billable_bytes, found.delivered_bytes) == (sum(expected), sum(sent for *_, sent in ranges))
    assert found.downloads == (sum(expected) == SIZE)
    assert session.scalar(select(func.sum(GrantUsage.billable_bytes))) == sum(expected)


def test_an_id_told_again_in_a_later_batch_or_reading_counts_once(world, log, small_batches):
    made = deal(world, size=SIZE)
    link, ranges = draw(made), list(reads(900))
    lines = lines_of([link], ranges)
    changed = log_line("r5", link, sent=123)
    read(log, [*lines, *lines[:300], changed])
    read(log.with_name("access-2.log"), [log_line("new", link, sent=0), *lines[200:400], changed, "no log line"])
    assert totals(made).delivered_bytes == sum(sent for *_, sent in ranges)
    assert totals(made).billable_bytes == sum(added_by(ranges))
    notes = session.execute(select(LogFile.lines, LogFile.counted, LogFile.duplicates).order_by(LogFile.name)).all()
    assert sorted(map(tuple, notes)) == [(203, 1, 200), (1201, 900, 300)]
    assert sorted(session.scalars(select(SetAside.reason))) == ["changed", "changed", "malformed"]


class Interrupted(Exception):
    pass


def tables():
    return access_logs.engine().execute("SELECT count(*) FROM duckdb_tables()").fetchall()[0][0]


def metering_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("metering")]


def test_a_reading_that_breaks_off_leaves_nothing_and_the_next_one_counts_all(world, log, small_batches):
    made = deal(world, size=SIZE)
    ranges = list(reads(900))
    lines = lines_of([draw(made)], ranges)
    with (
        pytest.raises(Interrupted),
        session.begin_nested(),
        metering.reading(log_places.managed(), at=clock.now(), ahead=timedelta(0)) as meter,
    ):
        file = meter.file("broken")
        for n in range(0, 900, 300):
            meter.add("\n".join(lines[n : n + 300]), to=file, head="")
        assert metering_threads()
        raise Interrupted
    assert (tables(), metering_threads()) == (0, [])
    assert session.scalar(select(func.count()).select_from(RequestLine)) == 0
    read(log, lines)
    assert totals(made).billable_bytes == sum(added_by(ranges))
    assert (tables(), metering_threads()) == (0, [])


def test_a_few_lines_need_no_thread(world, log, monkeypatch):
    monkeypatch.setattr(metering, "ThreadPoolExecutor", None)
    made = deal(world)
    read(log, [log_line("r1", draw(made), sent=1000)])
    assert totals(made).billable_bytes == 1000


@pytest.mark.parametrize(
    "written",
    [
        lambda uri, id: uri.replace(id, f"%{ord(id[0]):02X}{id[1:]}"),
        lambda uri, id: uri.replace("?", "?name=?x-grant=other&", 1),
        lambda uri, id: uri.replace(f"x-grant={id}&", "") + f"&x-grant={id}",
    ],
    ids=["an escape", "another's in a value", "at the end"],
)
def test_however_a_grant_is_written_its_reads_are_billed(world, log, written):
    made = deal(world)
    link = draw(made)
    uri = written("/" + link.url.split("/", 3)[3], link.id)
    read(log, [log_line("r1", link, sent=1000, uri=uri)])
    assert totals(made).billable_bytes == 1000
