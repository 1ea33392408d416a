"""Whatever dies in a round of downloads, afterwards the usage is what the log says: `make crash ROUNDS=200` for more.

An instance of its own, with real links through its gateway. In each round clients read while the metering job, the web
worker or PostgreSQL is killed at a random point; then everything comes back by itself, and is compared.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests.run.instance import ROOT, Instance, until

pytestmark = pytest.mark.xdist_group("run")
ROUNDS = 20
VICTIMS = ("clock", "site", "postgres")
SIZE = 1_000_000  # of the file that the benchmarks' market has
READERS = 3
PREPARE = """
import json, sys
import wsgi
from bench import market
from exchange import storage
market.TOKENS = 1
made = market.contract_with_tokens(bare_table="SELECT 1")
storage.put(made.object_key, bytes(SIZE))
print(json.dumps([made.contract_id, made.file_id, made.tokens[0]]))
"""
FIGURES = "SELECT grant_id, delivered_bytes, billable_bytes FROM grant_usage"
SUMS = """
SELECT (SELECT count(*) FROM request_line), (SELECT coalesce(sum(added_bytes), 0) FROM request_line),
  (SELECT coalesce(sum(covered_bytes(covered)), 0) FROM delivery_coverage)
"""


class Market:
    """A running instance with one contract, and what its log says."""

    def __init__(self) -> None:
        self.exchange = Instance(site=ROOT, DEMO="0", RESTARTS_A_MINUTE="1000")
        self.exchange.start()
        self.over = threading.Event()
        self.contract_id, self.file_id, self.token = self.run(PREPARE.replace("SIZE", str(SIZE)))

    def run(self, script: str) -> Any:
        """What a script in the instance's environment tells, as JSON."""
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env=self.exchange.env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    def link(self) -> str | None:
        """A link's URL, or None while the house is down."""
        body = json.dumps({"file_id": self.file_id}).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            status, answer = self.exchange.get(f"/api/v1/contracts/{self.contract_id}/links", headers, body)
        except http.client.HTTPException:  # broken off in the middle
            return None
        return str(json.loads(answer)["url"]) if status == 201 else None

    def read(self, rng: random.Random) -> None:
        """Draw links and read parts of them, breaking some off, until the round is over."""
        while not self.over.is_set():
            url = self.link()
            if url is None:
                time.sleep(0.1)
                continue
            start = rng.randrange(SIZE)
            asked = urllib.request.Request(url, headers={"Range": f"bytes={start}-{rng.randrange(start, SIZE)}"})
            try:
                with urllib.request.urlopen(asked, timeout=10) as answer:
                    answer.read(rng.choice([100, SIZE]))
            except (OSError, http.client.HTTPException):
                continue

    def round(self, rng: random.Random) -> None:
        """Read while one or two of the house are killed, then wait until it stands again."""
        readers = [threading.Thread(target=self.read, args=(random.Random(rng.random()),)) for _ in range(READERS)]
        self.over.clear()
        for reader in readers:
            reader.start()
        for victim in rng.sample(VICTIMS, rng.choice([1, 1, 1, 2])):
            time.sleep(rng.uniform(0.05, 1.0))
            pid = self.exchange.children().get(victim)
            if pid:
                kill(pid, everybody=victim == "site")
        time.sleep(0.3)
        self.over.set()
        for reader in readers:
            reader.join()
        assert until(lambda: self.exchange.get("/readyz")[0] == 200, 30), self.exchange.said()

    def in_log(self) -> dict[str, Any]:
        """What the gateway's log says of each grant: bytes sent, and which bytes were covered in all, byte by byte."""
        sent: dict[str, int] = {}
        covered = bytearray(SIZE)
        count = 0
        for path in Path(self.exchange.home, "access-logs").glob("*.log"):
            for text in path.read_text().splitlines():
                line = json.loads(text)
                parts = urlsplit(line["request"]["uri"])
                grant = parse_qs(parts.query).get("x-grant", [None])[0]
                if grant is None or not parts.path.startswith("/objects/"):
                    continue
                count += 1
                sent.setdefault(grant, 0)
                if line["status"] in (200, 206) and line["request"]["method"] == "GET":
                    sent[grant] += line["size"]
                    start = int(line["request"]["headers"]["Range"][0].split("=")[1].split("-")[0])
                    stop = min(start + line["size"], SIZE)
                    covered[start:stop] = b"\1" * (stop - start)
        return {"sent": sent, "covered": covered.count(1), "lines": count}

    def agrees(self) -> bool:
        """Whether what is counted is what the log says, exactly."""
        address = json.loads((self.exchange.home / "run" / "embedded.json").read_text())["database_url"]
        try:
            with psycopg.connect(address.replace("+psycopg", "")) as connection:
                grants = connection.execute(FIGURES).fetchall()
                sums = connection.execute(SUMS).fetchall()[0]
        except psycopg.OperationalError as refused:  # PostgreSQL is still recovering
            self.difference: object = refused
            return False
        told, sent = self.in_log(), {grant: size for grant, size, _ in grants}
        billed = (*map(int, sums), sum(size for _, _, size in grants))
        self.difference = (billed, told["lines"], told["covered"], sent == told["sent"])
        return sent == told["sent"] and billed == (told["lines"], *[told["covered"]] * 3)


def kill(pid: int, *, everybody: bool) -> None:
    """kill -9; of the web site a worker, else its master too."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    workers = children.read_text().split() if everybody and children.exists() else []
    for each in [int(worker) for worker in workers] or [pid]:
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            continue


def crash(rounds: int, seed: int) -> int:
    """So many rounds; how many lines were counted in the end. Fails where usage is not what the log says."""
    market, rng = Market(), random.Random(seed)
    try:
        for number in range(1, rounds + 1):
            market.round(rng)
            assert until(market.agrees, 30), (seed, number, market.difference, market.exchange.said()[-2000:])
            if rounds > ROUNDS:
                print(f"round {number} of {rounds}: {market.in_log()['lines']} lines", flush=True)
        return int(market.in_log()["lines"])
    finally:
        market.exchange.clear()


def test_whatever_dies_the_usage_is_what_the_log_says() -> None:
    assert crash(ROUNDS, seed=random.randrange(10**6)) > 0


if __name__ == "__main__":
    chosen = random.randrange(10**6)
    print(f"seed {chosen}")
    print(f"{crash(int(sys.argv[1]), seed=chosen)} lines counted exactly, {sys.argv[1]} rounds")
