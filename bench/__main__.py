"""`python -m bench [name …]`: run the benchmarks, all of them by default, one line a figure."""

import subprocess
import sys

from bench import batch, close, document, growth, ingest, ledger, link, metering, pages
from bench.house import House

BENCHES = {
    "link": link.run,
    "pages": pages.run,
    "document": document.run,
    "ingest": ingest.run,
    "growth": growth.run,
    "batch": batch.run,
    "close": close.run,
    "ledger": ledger.run,
    "metering": metering.run,
}


def main(names: list[str]) -> int:
    """Run what was asked for; exit code 1 where a figure misses what it has to reach."""
    unknown = set(names) - set(BENCHES)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    if len(names) != 1:  # one process each: a house's settings are read once
        commands = [[sys.executable, "-m", "bench", name] for name in names or BENCHES]
        return max(subprocess.run(command, check=False).returncode for command in commands)
    with House() as house:
        return 0 if BENCHES[names[0]](house) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
