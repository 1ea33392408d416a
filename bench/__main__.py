"""`python -m bench [name …]`: run the benchmarks, all of them by default, one line a figure."""

import sys

from bench import batch, document, growth, ingest, link, metering, pages
from bench.house import House

BENCHES = {
    "link": link.run,
    "pages": pages.run,
    "document": document.run,
    "ingest": ingest.run,
    "growth": growth.run,
    "batch": batch.run,
    "metering": metering.run,
}


def main(names: list[str]) -> int:
    """Run what was asked for; exit code 1 where a figure misses what it has to reach."""
    unknown = set(names) - set(BENCHES)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    reached = []
    for name in names or BENCHES:
        with House() as house:
            reached.append(BENCHES[name](house))
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
