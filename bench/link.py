"""`link`: POST …/links end to end, against a bare view that does the least, on the same server."""

from __future__ import annotations

import json
import statistics

from bench import load
from bench.bare import TABLE
from bench.house import House
from bench.market import contract_with_tokens

ROUNDS, SECONDS = 9, 2.0
REACH = 1.0
REQUESTS_A_TOKEN = 500  # a token may make 1,200 requests a minute


def run(house: House) -> bool:
    """Print requests per second of each side, and the ratios; whether the ratio reaches what it has to."""
    made = contract_with_tokens(bare_table=TABLE)
    house.serve()
    ours = json.dumps({"file_id": made.file_id})
    bare = json.dumps({"contract_id": made.contract_id, "file_id": made.file_id, "key": made.object_key})

    def side(path: str, body: str) -> load.Run:
        ready = [load.post(path, token, body) for token in made.tokens]
        count = len(ready)
        return load.run(house.port, lambda n: ready[n // REQUESTS_A_TOKEN % count], status=201, seconds=SECONDS)

    found = load.alternate(
        {
            "link": lambda: side(f"/api/v1/contracts/{made.contract_id}/links", ours),
            "bare": lambda: side("/bare/link", bare),
            "presign": lambda: side("/bare/presign", bare),
        },
        rounds=ROUNDS,
    )
    rates = {name: [each.per_second for each in runs] for name, runs in found.items()}
    told = {name: statistics.median(values) for name, values in rates.items()}
    ratio = load.median_ratio(rates["link"], rates["bare"])
    presign = load.median_ratio(rates["link"], rates["presign"])
    print(
        f"link: {ratio:.2f} × bare view (token SELECT, INSERT, COMMIT, boto3 presign), at least {REACH};"
        f" {told['link']:.0f} against {told['bare']:.0f} requests/s"
    )
    print(f"link: {presign:.2f} × a view that only presigns with boto3; {told['presign']:.0f} requests/s")
    return ratio >= REACH
