"""Billed is what was really delivered: each byte once per pool, each line once, whatever the order."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from delivery import actions, queries
from delivery.models import GrantUsage, LogFile, RequestLine, SetAside
from exchange import clock
from exchange.config import config
from exchange.database import new_id, session
from tests.delivery.deals import METERED, SHA, deal, log_line

CHARGED = METERED | {"repeat_reads": "charged"}


def draw(made, file=None, **options):
    """A link for the buyer, committed as the edge would."""
    made_of = {"variant": "original", "expires_in": 300, "token_id": None} | options
    link = actions.issue_link(made.contract.id, (file or made.file).id, by=made.buyer.member, at=clock.now(), **made_of)
    session.commit()
    return link


@pytest.fixture
def log(db):
    """The gateway's log file, empty."""
    folder = config().access_log_dir
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    return folder / "access.log"


def read(log, lines, end="\n"):
    """The gateway writes lines, and the meter reads."""
    with log.open("a") as file:
        file.write("\n".join(lines) + (end if lines else ""))
    actions.read_access_logs(at=clock.now())
    session.commit()


def totals(made):
    """The contract's usage this month."""
    return queries.totals_of(made.contract, queries.period(first=None, last=None, at=clock.now()))


PATTERNS = {
    "plain": (lambda link: [dict(sent=1000)], 1000, 1),
    "the same link twice": (lambda link: [dict(sent=1000), dict(sent=1000)], 1000, 1),
    "two halves": (
        lambda link: [
            dict(sent=500, status=206, asked="bytes=0-499"),
            dict(sent=500, status=206, asked="bytes=500-"),
        ],
        1000,
        1,
    ),
    "the store answers a range with 200": (
        lambda link: [dict(sent=500, asked="bytes=500-", answered="bytes 500-999/1000")],
        500,
        0,
    ),
    "the last bytes": (lambda link: [dict(sent=10, status=206, asked="bytes=-10")], 10, 0),
    "aborted, then whole": (lambda link: [dict(sent=300), dict(sent=1000)], 1000, 1),
    "aborted": (lambda link: [dict(sent=300)], 300, 0),
    "aborted in a range": (lambda link: [dict(sent=10, status=206, asked="bytes=100-499")], 10, 0),
    "more bytes than the object has": (lambda link: [dict(sent=5000)], 1000, 1),
    "more bytes than the range has": (lambda link: [dict(sent=900, status=206, asked="bytes=0-9")], 10, 0),
    "HEAD": (lambda link: [dict(sent=0, method="HEAD"), dict(sent=1000, method="HEAD")], 0, 0),
    "refused": (lambda link: [dict(sent=400, status=403), dict(sent=200, status=416)], 0, 0),
    "not modified": (lambda link: [dict(sent=0, status=304)], 0, 0),
    "a range beyond the end": (lambda link: [dict(sent=10, status=206, asked="bytes=5000-5009")], 0, 0),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_what_was_covered_is_billed(world, log, name):
    pattern, billed, downloads = PATTERNS[name]
    made = deal(world)
    link = draw(made)
    read(log, [log_line(f"r{n}", link, **line) for n, line in enumerate(pattern(link))])

    found = totals(made)
    assert (found.links, found.billable_bytes, found.downloads) == (1, billed, downloads)


def test_a_changed_grant_counts_nothing(world, log):
    made = deal(world)
    link = draw(made)
    read(log, [log_line("r1", link, status=403, sent=300, uri=f"/objects/k?x-grant=0{link.id}")])
    assert totals(made).delivered_bytes == 0
    assert session.scalar(select(func.count()).select_from(SetAside)) == 0


def test_bytes_without_a_grant_are_set_aside(world, log):
    made = deal(world)
    link = draw(made)
    read(
        log,
        [
            log_line("r1", link, sent=300, uri="/objects/k?x-grant=unknown"),
            log_line("r2", link, sent=300, uri="/objects/k"),
            log_line("r3", link, sent=300, uri=f"/objects/other?x-grant={link.id}"),
            log_line("r4", link, sent=300, uri="/listings?q=x"),
            "no log line",
        ],
    )
    assert totals(made).delivered_bytes == 0
    reasons = sorted(session.scalars(select(SetAside.reason)))
    assert reasons == ["malformed", "no-grant", "unknown-grant", "wrong-object"]


def test_escapes_do_not_hide_a_grant(world, log):
    made = deal(world)
    link = draw(made)
    uri = "/" + link.url.split("/", 3)[3].replace("x-grant=", "x%2Dgrant=").replace("objects", "%6Fbjects", 1)
    read(log, [log_line("r1", link, sent=1000, uri=uri)])
    assert totals(made).billable_bytes == 1000


def test_a_line_counts_once_and_a_changed_one_is_an_alarm(world, log):
    made = deal(world)
    link = draw(made)
    line = log_line("r1", link, sent=400)
    read(log, [line, line])
    read(log, [line, log_line("r1", link, sent=1000)])

    assert totals(made).delivered_bytes == 400
    assert session.scalars(select(SetAside.reason)).all() == ["changed"]
    assert session.scalars(select(LogFile.duplicates)).one() == 2


def test_a_half_written_line_waits_for_its_end(world, log):
    made = deal(world)
    link = draw(made)
    line = log_line("r1", link, sent=1000)
    read(log, [line[:50]], end="")
    assert totals(made).delivered_bytes == 0
    read(log, [line[50:]])
    assert totals(made).delivered_bytes == 1000


def test_a_rolled_file_is_read_on_where_reading_stopped(world, log):
    made = deal(world)
    link = draw(made)
    read(log, [log_line("r1", link, sent=400)])
    with log.open("a") as file:
        file.write(log_line("r2", link, sent=600, status=206, asked="bytes=400-999") + "\n")
    log.rename(log.with_name("access-2026-11-24T10-00-00.log"))
    read(log, [log_line("r3", link, sent=1000)])

    assert totals(made).billable_bytes == 1000
    assert totals(made).delivered_bytes == 2000
    assert session.scalar(select(func.sum(LogFile.duplicates))) == 0


def test_included_repeats_share_a_pool_over_links_and_charged_ones_do_not(world, log):
    for pricing, billed in ((METERED, 1000), (CHARGED, 2000)):
        made = deal(world, pricing=pricing)
        read(log, [log_line(f"{billed}-{n}", draw(made), sent=1000) for n in range(2)])
        assert (totals(made).billable_bytes, totals(made).delivered_bytes) == (billed, 2000)
        assert totals(made).downloads == billed // 1000


def test_each_line_shows_what_it_added(world, log):
    made = deal(world)
    first, second = draw(made), draw(made)
    lines = [
        log_line("r1", first, at=1_795_500_000, sent=600),
        log_line("r2", second, at=1_795_500_001, sent=1000),
        log_line("r3", first, at=1_795_500_002, sent=1000),
    ]
    read(log, lines)
    added = dict(session.execute(select(RequestLine.request_id, RequestLine.added_bytes)).all())
    assert added == {"r1": 600, "r2": 400, "r3": 0}
    assert dict(session.execute(select(GrantUsage.grant_id, GrantUsage.billable_bytes)).all()) == {
        first.id: 600,
        second.id: 400,
    }


def test_any_order_duplication_and_splitting_gives_the_same_union(world, log):
    """Random reads of random files, told in random order, twice, over several files: the naive union is billed."""
    rng = random.Random(7)
    for round_ in range(6):
        made = deal(world, size=200, files=2, pricing=rng.choice([METERED, CHARGED]))
        charged = made.contract.pricing is CHARGED or made.contract.pricing.get("repeat_reads") == "charged"
        naive: dict[str, set[int]] = {}
        lines, sent_total = [], 0
        for n in range(rng.randint(1, 25)):
            file = rng.choice(made.files)
            link = draw(made, file)
            for k in range(rng.randint(1, 4)):
                start = rng.randint(0, 199)
                stop = rng.randint(start + 1, 200)
                sent = rng.choice([stop - start, rng.randint(0, stop - start)])
                method, status = rng.choice([("GET", 206)] * 6 + [("HEAD", 200), ("GET", 403)])
                asked = f"bytes={start}-{stop - 1}"
                lines.append(
                    log_line(
                        f"{round_}-{n}-{k}",
                        link,
                        at=1_795_500_000 + rng.random(),
                        method=method,
                        status=status,
                        sent=sent,
                        asked=asked,
                    )
                )
                if (method, status) == ("GET", 206):
                    naive.setdefault(link.id if charged else file.id, set()).update(range(start, start + sent))
                    sent_total += sent
        told = lines + rng.sample(lines, len(lines) // 2)
        rng.shuffle(told)
        while told:
            count = rng.randint(1, len(told))
            read(log.with_name(f"access-{rng.random()}.log"), told[:count])
            told = told[count:]

        found = totals(made)
        assert found.billable_bytes == sum(map(len, naive.values()))
        assert found.delivered_bytes == sent_total
        assert found.downloads == sum(len(covered) == 200 for covered in naive.values())


@pytest.fixture
def told_before(world):
    """A deal, and which bytes of its file were read in the examples so far."""
    return deal(world, size=200), set()


READS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 199), st.integers(0, 250), st.sampled_from(["GET"] * 5 + ["HEAD"])),
    min_size=1,
    max_size=12,
)


@given(
    reads=READS,
    repeated=st.lists(st.integers(0, 99), max_size=8),
    cuts=st.lists(st.integers(1, 9), max_size=4),
    data=st.data(),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_permutation_duplication_and_splitting_of_files_gives_the_same_usage(
    told_before, log, reads, repeated, cuts, data
):
    """What is billed is the union of what was read, however the log files tell it; ranges, aborts, HEAD and all."""
    for old in log.parent.iterdir():
        old.unlink()
    (made, naive), run = told_before, new_id()
    links = [draw(made) for _ in range(3)]
    before = totals(made)
    lines = []
    for n, (link, start, sent, method) in enumerate(reads):
        asked = {"status": 206, "asked": f"bytes={start}-199", "sent": sent, "method": method}
        lines.append(log_line(f"{run}-{n}", links[link], at=1_795_500_000 + n, **asked))
    told = data.draw(st.permutations(lines + [lines[n % len(lines)] for n in repeated]))
    for _, start, sent, method in reads:  # only now: a draw may give the example up
        naive.update(range(start, min(start + sent, 200)) if method == "GET" else ())
    for n, cut in enumerate([*cuts, len(told)]):
        first = log_line(f"{run}-first-{n}", links[0], uri="/listings")  # by which the gateway's file is known
        read(log.with_name(f"access-{run}-{n}.log"), [first, *told[:cut]])
        told = told[cut:]
    found = totals(made)
    assert found.billable_bytes == len(naive)
    assert found.delivered_bytes - before.delivered_bytes == sum(r[2] for r in reads if r[3] == "GET")


def test_evidence_cannot_be_changed(world, log):
    draw(deal(world))
    with pytest.raises(Exception, match="evidence"):
        session.execute(text("UPDATE delivery_grant SET size = 1"))
    session.rollback()


def test_lag_and_newest_line_are_known(world, log):
    made = deal(world)
    read(log, [log_line("r1", draw(made), at=clock.real_now().timestamp(), sent=1000)])
    lag = queries.log_lag(at=clock.now())
    assert lag.newest_line_at is not None and (lag.lines, lag.counted) == (1, 1)


def test_a_providers_own_parquet_is_one_thing_in_both_its_forms_and_a_twin_is_another(world, log):
    made = deal(world, files=2, twins=(SHA, "f" * 64))
    own, twin = made.files
    for file, billed in ((own, 1000), (twin, 3000)):
        for variant in ("original", "parquet", "parquet"):
            read(log, [log_line(new_id(), draw(made, file, variant=variant), sent=1000)])
        assert totals(made).billable_bytes == billed
    assert totals(made).downloads == 3
