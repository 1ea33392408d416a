"""`document`: sealed contracts against Typst alone, and a contract's page against a bare view of the same template."""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Callable

from bench import load
from bench.house import House
from bench.market import Active, active_contract

ROUNDS, SECONDS = 7, 1.5
SEALED_AT_LEAST = 0.4  # of the documents that Typst alone makes in the same time
PAGE_AT_MOST = 6.0  # times the bare view, at the median: it tells what contracts, delivery and settlement know
CONNECTIONS = 2  # one a worker: what is measured is a page, not a queue


def run(house: House) -> bool:
    """Print rates, times and ratios; whether each reaches what it has to."""
    made = active_contract()
    sealed = _sealed(made)
    house.serve()
    return _page(house, made) and sealed


def _sealed(made: Active) -> bool:
    """Documents a second in one process, each of another number: Typst keeps what it has set before."""
    from contracts import queries
    from contracts.documents import pdf, seal, sheets
    from contracts.documents.verdict import Mark
    from exchange import clock, database

    contract = queries.contract_by_id(made.contract_id)
    sheet = sheets.sheet(json.loads(queries.round_of(contract).content), queries.evidence(contract))
    database.session.remove()
    numbers, at = itertools.count(1), clock.now()

    def printed() -> tuple[bytes, Mark]:
        mark = Mark(f"C-2026-{next(numbers):06}", 1, sheet["sha256"])
        return pdf.pdf(sheet | {"number": mark.number}), mark

    def both() -> bytes:
        document, mark = printed()
        return seal.seal(document, mark, at=at)

    kept = both()

    def checked() -> None:
        if not seal.verify(kept).is_genuine:
            raise RuntimeError("a sealed document is not genuine")

    found = load.alternate(
        {"sealed": lambda: _repeated(both), "typst": lambda: _repeated(printed), "verify": lambda: _repeated(checked)},
        rounds=ROUNDS,
    )
    rates = {name: [each.per_second for each in runs] for name, runs in found.items()}
    told = {name: statistics.median(values) for name, values in rates.items()}
    ratio = load.median_ratio(rates["sealed"], rates["typst"])
    added = statistics.median(1000 / a - 1000 / b for a, b in zip(rates["sealed"], rates["typst"], strict=True))
    print(
        f"document: {ratio:.2f} × Typst alone, compiled and sealed, at least {SEALED_AT_LEAST};"
        f" {told['sealed']:.0f} against {told['typst']:.0f} documents/s in one process"
        f" ({added:.1f} ms a seal, {1000 / told['verify']:.1f} ms to verify one)"
    )
    return ratio >= SEALED_AT_LEAST


def _repeated(once: Callable[[], object]) -> load.Run:
    times, until = [], time.perf_counter() + SECONDS
    began = time.perf_counter()
    while (started := time.perf_counter()) < until:
        once()
        times.append((time.perf_counter() - started) * 1000)
    return load.Run(len(times), time.perf_counter() - began, times)


def _page(house: House, made: Active) -> bool:
    def side(path: str) -> load.Run:
        ready = load.get(path, cookie=made.cookie)
        return load.run(house.port, lambda _: ready, status=200, seconds=SECONDS, connections=CONNECTIONS)

    ours, bare = f"/desk/contracts/{made.contract_id}", f"/bare/page/contract/{made.contract_id}"
    found = load.alternate({"ours": lambda: side(ours), "bare": lambda: side(bare)}, rounds=ROUNDS)
    medians = {name: [each.percentile(50) for each in runs] for name, runs in found.items()}
    slowest = {name: statistics.median(each.percentile(99) for each in runs) for name, runs in found.items()}
    ratio = load.median_ratio(medians["ours"], medians["bare"])
    print(
        f"document: /desk/contracts/{{id}} {ratio:.2f} × bare view (one SELECT, same template) at the median, at most"
        f" {PAGE_AT_MOST:.0f}; {statistics.median(medians['ours']):.1f} against"
        f" {statistics.median(medians['bare']):.1f} ms, 99th percentile {slowest['ours']:.1f} against"
        f" {slowest['bare']:.1f} ms"
    )
    return ratio <= PAGE_AT_MOST
