"""`metering`: what is billed against what was needed, for real clients through the gateway. 1.00 in every row."""

from __future__ import annotations

import http.client
import io
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow
import pyarrow.parquet
from sqlalchemy import func, select

from bench import delivered, market
from bench.house import READY_WITHIN_SECONDS, THREADS, WORKERS, House
from delivery import actions
from delivery.models import Grant, GrantUsage
from exchange import clock, storage
from exchange.config import config
from exchange.database import session

SIZE = 1_000_000
ROWS = 50_000  # of the Parquet twin
COUNTED_WITHIN_SECONDS = 5.0
SETTLES_SECONDS = 0.5  # after the figure is right, to see that it stays so


def run(house: House) -> bool:
    """Print a row for each access pattern; whether what is billed is what was needed in all of them."""
    made = delivered.deal()
    _open(house)
    client = Client(house.port, made)
    good = [_told(name, *_measured(client, file_id, pattern)) for (name, pattern), file_id in _patterns(made)]
    return all(good)


def _open(house: House) -> None:
    """The site behind the gateway, as in use: the gate, the store and the access log."""
    command = [str(Path(sys.executable).parent / "gunicorn"), "wsgi:app", "--worker-class", "gthread"]
    command += ["--bind", f"unix:{house.embedded.site_socket}", "--workers", WORKERS, "--threads", THREADS]
    with (house.home / "server.log").open("wb") as log:
        house.server = subprocess.Popen([*command, "--no-control-socket"], stdout=log, stderr=log)
    house.embedded.start_gateway()
    until = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{house.port}/healthz", timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError((house.home / "server.log").read_text()[-2000:])


class Client:
    """Draws links and reads them."""

    def __init__(self, port: int, made: market.Deal) -> None:
        self.port, self.made = port, made

    def link(self, file_id: str, **terms: object) -> str:
        """A fresh link's URL."""
        url = f"http://127.0.0.1:{self.port}/api/v1/contracts/{self.made.contract_id}/links"
        headers = {"Authorization": f"Bearer {self.made.tokens[0]}", "Content-Type": "application/json"}
        body = json.dumps({"file_id": file_id, **terms}).encode()
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
            return str(json.load(answer)["url"])

    def profile(self) -> Path:
        """A fresh Delta Sharing profile, as a file."""
        url = f"http://127.0.0.1:{self.port}/api/v1/contracts/{self.made.contract_id}/profile"
        headers = {"Authorization": f"Bearer {self.made.tokens[0]}"}
        with urllib.request.urlopen(urllib.request.Request(url, b"", headers), timeout=30) as answer:
            path = config().access_log_dir / "bench.share"
            path.write_bytes(answer.read())
        return path

    def get(self, url: str, first: int | None = None, last: int | None = None, *, method: str = "GET") -> bytes:
        """What the store answers, refusals too."""
        headers = {} if first is None else {"Range": f"bytes={first}-{'' if last is None else last}"}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, headers=headers, method=method), timeout=30
            ) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return b""

    def abort(self, url: str) -> None:
        """Begin to read, and hang up."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", f"{parts.path}?{parts.query}")
        connection.getresponse().read(100_000)
        connection.close()


Pattern = Callable[[Client, str], int]  # reads a file in its way; how many bytes of it were needed


def _patterns(made: market.Deal) -> list[tuple[tuple[str, Pattern], str]]:
    patterns: dict[str, Pattern] = {
        "plain GET (curl)": _curl,
        "resumed in 2 ranges": _resumed,
        "8 parallel ranges": _parallel,
        "aborted and tried again": _aborted,
        "the same link twice": _twice,
        "the first half": lambda client, file_id: len(client.get(client.link(file_id), 0, SIZE // 2 - 1)),
        "an expired link": _expired,
        "a tampered link": lambda client, file_id: len(
            client.get(client.link(file_id).replace("x-grant=0", "x-grant=1"))
        ),
        "HEAD only": lambda client, file_id: len(client.get(client.link(file_id), method="HEAD")),
        "Parquet twin: pyarrow, one column by ranges": _column,
        "Parquet twin: pyarrow, whole table by ranges": _table,
        "Delta Sharing: load_as_pandas": lambda client, file_id: _shared(client, file_id),
        "Delta Sharing: load_as_pandas, then again": lambda client, file_id: _shared(client, file_id, times=2),
        "Delta Sharing: load_as_pandas(limit=10)": lambda client, file_id: _shared(client, file_id, limit=10),
        "Delta Sharing: load_as_pandas in batches": lambda client, file_id: _shared(
            client, file_id, convert_in_batches=True
        ),
    }
    twin = _parquet()
    ids = delivered.files(made, len(patterns), twin_size=len(twin))
    for file_id in ids:
        storage.put(f"files/{file_id}/data.csv", bytes(SIZE))
        storage.put(f"files/{file_id}/data.parquet", twin)
    return list(zip(patterns.items(), ids, strict=True))


def _measured(client: Client, file_id: str, pattern: Pattern) -> tuple[int, int]:
    """Bytes billed and bytes needed."""
    needed = pattern(client, file_id)
    until = time.monotonic() + COUNTED_WITHIN_SECONDS
    while _billed(file_id) != needed and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(SETTLES_SECONDS)
    return _billed(file_id), needed


def _billed(file_id: str) -> int:
    actions.read_access_logs(at=clock.now())
    session.commit()
    query = select(func.coalesce(func.sum(GrantUsage.billable_bytes), 0)).join(Grant, Grant.id == GrantUsage.grant_id)
    billed = int(session.scalar(query.where(Grant.file_id == file_id)) or 0)
    session.rollback()
    return billed


def _told(name: str, billed: int, needed: int) -> bool:
    ratio = billed / needed if needed else 1.0 + billed
    print(f"metering: {ratio:.2f} × what was needed, must be 1.00: {name} ({billed:,} of {needed:,} bytes)")
    return billed == needed


def _curl(client: Client, file_id: str) -> int:
    subprocess.run(["curl", "--silent", "--fail", "--output", "/dev/null", client.link(file_id)], check=True)
    return SIZE


def _resumed(client: Client, file_id: str) -> int:
    url = client.link(file_id)
    return len(client.get(url, 0, 399_999)) + len(client.get(url, 400_000))


def _parallel(client: Client, file_id: str) -> int:
    url, part = client.link(file_id), SIZE // 8
    with ThreadPoolExecutor(8) as pool:
        return sum(map(len, pool.map(lambda n: client.get(url, n * part, (n + 1) * part - 1), range(8))))


def _aborted(client: Client, file_id: str) -> int:
    url = client.link(file_id)
    client.abort(url)
    return len(client.get(url))


def _twice(client: Client, file_id: str) -> int:
    url = client.link(file_id)
    client.get(url)
    return len(client.get(url))


def _expired(client: Client, file_id: str) -> int:
    url = client.link(file_id, expires_in=1)
    time.sleep(2.5)
    return len(client.get(url))


# ── Parquet, as readers of tables take it ────────────────────────────────────────────────────────────────────────────


class Ranged(io.RawIOBase):
    """A file over HTTP ranges, for pyarrow; remembers which bytes were asked for."""

    def __init__(self, client: Client, url: str, size: int) -> None:
        super().__init__()
        self.client, self.url, self.size, self.position = client, url, size, 0
        self.asked: set[tuple[int, int]] = set()

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self.position

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move there."""
        self.position = offset + (0, self.position, self.size)[whence]
        return self.position

    def read(self, size: int = -1) -> bytes:
        """So many bytes, by one request."""
        stop = self.size if size < 0 else min(self.size, self.position + size)
        if stop <= self.position:
            return b""
        self.asked.add((self.position, stop))
        data = self.client.get(self.url, self.position, stop - 1)
        self.position = stop
        return data

    def needed(self) -> int:
        """How many bytes were asked for, each counted once."""
        return sum(stop - start for start, stop in _joined(self.asked))


def _parquet() -> bytes:
    table = pyarrow.table({name: list(range(ROWS)) for name in ("a", "b", "c")})
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, compression="none")
    return out.getvalue()


def _twin(client: Client, file_id: str) -> Ranged:
    return Ranged(client, client.link(file_id, variant="parquet"), len(_parquet()))


def _column(client: Client, file_id: str) -> int:
    twin = _twin(client, file_id)
    pyarrow.parquet.ParquetFile(twin).read(columns=["b"])
    return twin.needed()


def _table(client: Client, file_id: str) -> int:
    twin = _twin(client, file_id)
    pyarrow.parquet.ParquetFile(twin).read()
    return twin.needed()


def _shared(client: Client, file_id: str, *, times: int = 1, **how: Any) -> int:
    """Read a table by the official client; needed is what the gateway's own log says was sent of it, each byte once."""
    import delta_sharing

    profile = client.profile()
    for _ in range(times):
        rows = len(delta_sharing.load_as_pandas(f"{profile}#{client.made.contract_id}.default.{file_id}", **how))
        if rows != how.get("limit", ROWS):
            raise RuntimeError(f"{rows} rows came")
    time.sleep(SETTLES_SECONDS)
    return sum(stop - start for start, stop in _joined(_sent(f"files/{file_id}/data.parquet")))


def _sent(key: str) -> list[tuple[int, int]]:
    """The pieces of an object that the gateway answered with, as it logged them."""
    pieces = []
    for line in (config().access_log_dir / "access.log").read_text().splitlines():
        told = json.loads(line)
        if key in told["request"]["uri"] and told["request"]["method"] == "GET" and told["status"] in (200, 206):
            answered = told["resp_headers"].get("Content-Range", ["bytes 0-"])[0]
            start = int(answered.removeprefix("bytes ").partition("-")[0])
            pieces.append((start, start + told["size"]))
    return pieces


def _joined(pieces: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pieces that overlap or touch, made one."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(pieces):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined
