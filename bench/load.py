"""A load generator: a few keep-alive connections that send ready-made requests and read whole answers."""

from __future__ import annotations

import itertools
import socket
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CONNECTIONS = 8
_turns = itertools.count()


@dataclass(frozen=True)
class Run:
    """What one run of one side took."""

    requests: int
    seconds: float
    milliseconds: Sequence[float]

    @property
    def per_second(self) -> float:
        """Requests answered per second."""
        return self.requests / self.seconds

    def percentile(self, percent: float) -> float:
        """Milliseconds within which so many percent were answered."""
        ranked = sorted(self.milliseconds)
        return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))]


def run(
    port: int, request: Callable[[int], bytes], *, status: int, seconds: float, connections: int = CONNECTIONS
) -> Run:
    """Send `request(turn)` over each connection, one after the other, for so many seconds."""
    times: list[list[float]] = [[] for _ in range(connections)]
    until = time.perf_counter() + seconds
    threads = [
        threading.Thread(target=_drive, args=(port, request, status, until, times[n])) for n in range(connections)
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - started
    flat = [each for one in times for each in one]
    if not flat:
        raise RuntimeError("no request was answered as expected")
    return Run(len(flat), took, flat)


def _drive(port: int, request: Callable[[int], bytes], status: int, until: float, times: list[float]) -> None:
    expected = f"HTTP/1.1 {status} ".encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (started := time.perf_counter()) < until:
            connection.sendall(request(next(_turns)))
            head, body = _answer(connection)
            if not head.startswith(expected):
                raise RuntimeError(f"{head[:200]!r} {body[:300]!r}")
            times.append((time.perf_counter() - started) * 1000)


def _answer(connection: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _more(connection)
    head, body = received[:end].lower(), received[end + 4 :]
    length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    while len(body) < length:
        body += _more(connection)
    return received[:end], body


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(262_144)
    if not piece:
        raise RuntimeError("the server closed the connection")
    return piece


def get(path: str, *, cookie: str = "") -> bytes:
    """A GET of a page, by whoever the cookie says."""
    signed_in = f"Cookie: {cookie}\r\n" if cookie else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n{signed_in}\r\n".encode()


def post(path: str, token: str, body: str) -> bytes:
    """A POST of JSON with a bearer token."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json"
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def alternate(sides: dict[str, Callable[[], Run]], *, rounds: int) -> dict[str, list[Run]]:
    """Run the sides one after the other, round by round, after a round that warms up and is thrown away."""
    found: dict[str, list[Run]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            measured = side()
            if turn:
                found[name].append(measured)
    return found


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of the rounds."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
