"""`pages`: the catalogue's search and a listing's page over 2,000 listings, against a bare view of the same template."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from urllib.parse import quote

from bench import load
from bench.house import House
from bench.market import WORDS, catalogue

LISTINGS = 2_000
ROUNDS, SECONDS = 7, 1.5
LISTINGS_SHOWN = 50  # different pages of listings that are asked for in turn
AT_MOST = 3.0  # times the bare view, at the median
CONNECTIONS = 2  # one a worker: what is measured is a page, not a queue


def run(house: House) -> bool:
    """Print both sides' median and 99th percentile and the ratio of the medians; whether it stays below the most."""
    ids = catalogue(LISTINGS)
    house.serve()
    words = [quote(word) for word in WORDS]
    some = ids[:: max(1, len(ids) // LISTINGS_SHOWN)]
    pages: dict[str, tuple[Callable[[int], str], Callable[[int], str]]] = {
        "/listings?q=": (
            lambda n: f"/listings?q={words[n % len(words)]}",
            lambda n: f"/bare/page/listings?q={words[n % len(words)]}",
        ),
        "/listings/{id}": (
            lambda n: f"/listings/{some[n % len(some)]}",
            lambda n: f"/bare/page/listing/{some[n % len(some)]}",
        ),
    }
    return all([_told(house, name, *sides) for name, sides in pages.items()])


def _told(house: House, name: str, ours: Callable[[int], str], bare: Callable[[int], str]) -> bool:
    def side(path: Callable[[int], str]) -> load.Run:
        return load.run(house.port, lambda n: load.get(path(n)), status=200, seconds=SECONDS, connections=CONNECTIONS)

    found = load.alternate({"ours": lambda: side(ours), "bare": lambda: side(bare)}, rounds=ROUNDS)
    medians = {key: [each.percentile(50) for each in runs] for key, runs in found.items()}
    slowest = {key: statistics.median(each.percentile(99) for each in runs) for key, runs in found.items()}
    ratio = load.median_ratio(medians["ours"], medians["bare"])
    print(
        f"pages: {name} {ratio:.2f} × bare view (one SELECT, same template) at the median, at most {AT_MOST:.0f};"
        f" {statistics.median(medians['ours']):.1f} against {statistics.median(medians['bare']):.1f} ms,"
        f" 99th percentile {slowest['ours']:.1f} against {slowest['bare']:.1f} ms"
    )
    return ratio <= AT_MOST
