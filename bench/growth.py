"""`growth`: drawing a link with a million usage rows, against ten thousand, in the same database."""

from __future__ import annotations

import json
import statistics

from bench import delivered, load
from bench.house import House

FEW, MANY = 10_000, 1_000_000
CYCLES, SECONDS = 3, 3.0
AT_MOST = 1.2
CONNECTIONS = 2  # one a worker: what is measured is a link, not a queue
REQUESTS_A_TOKEN = 1_000


def run(house: House) -> bool:
    """Print both medians and the ratio; whether it stays below the most."""
    made = delivered.deal()
    house.serve()
    body = json.dumps({"file_id": made.file_id})
    ready = [load.post(f"/api/v1/contracts/{made.contract_id}/links", token, body) for token in made.tokens]

    def milliseconds() -> float:
        def ask(turn: int) -> bytes:
            return ready[turn // REQUESTS_A_TOKEN % len(ready)]

        load.run(house.port, ask, status=201, seconds=0.5, connections=CONNECTIONS)
        return load.run(house.port, ask, status=201, seconds=SECONDS, connections=CONNECTIONS).percentile(50)

    few, many = [], []
    for _ in range(CYCLES):
        delivered.forget()
        delivered.grants(made, first=1, last=FEW, used=True)
        few.append(milliseconds())
        delivered.grants(made, first=FEW + 1, last=MANY, used=True)
        many.append(milliseconds())
    ratio = load.median_ratio(many, few)
    print(
        f"growth: a link takes {ratio:.2f} × as long with {MANY:,} usage rows as with {FEW:,}, at most {AT_MOST};"
        f" {statistics.median(many):.2f} against {statistics.median(few):.2f} ms at the median"
    )
    return ratio <= AT_MOST
