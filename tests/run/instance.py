"""One supervised instance, on a home and a port of its own: started, watched, killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.live import OWN
from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]
TOY = Path(__file__).resolve().parent / "toy"


class Instance:
    """`python -m exchange` over the toy site, or over the real one (`site=ROOT`)."""

    def __init__(self, *, site: Path = TOY, home: Path | None = None, port: int | None = None, **env: str) -> None:
        self.home = home or Path(tempfile.mkdtemp(prefix="nkd-run-")) / "home"
        self.port, self.site, self.extra = port or free_port(), site, env
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.home.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment of this instance alone."""
        kept = {k: v for k, v in os.environ.items() if k not in OWN and not k.startswith(("TESTS_", "PYTEST_"))}
        own = {"PORT": str(self.port), "EXCHANGE_HOME": str(self.home), "PYTHONPATH": str(ROOT), "WEB_WORKERS": "1"}
        return kept | own | self.extra

    def launch(self) -> subprocess.Popen[bytes]:
        """Start it and come back at once."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "exchange"], cwd=self.site, env=self.env, stdout=log, stderr=log
            )
        return self.process

    def start(self) -> float:
        """Start it; the seconds until it said that it is ready."""
        began, said = time.monotonic(), len(self.said()) if self.log.exists() else 0
        process = self.launch()
        assert until(lambda: "ready: " in self.said()[said:] or process.poll() is not None, 60), self.said()
        assert process.poll() is None, self.said()
        return time.monotonic() - began

    def refuse(self) -> str:
        """Start it where it cannot: it ends with 1, and says why in one line."""
        process = self.launch()
        assert process.wait(30) == 1, self.said()
        lines = self.said().splitlines()
        assert len(lines) == 1, lines
        return lines[0]

    def said(self) -> str:
        """All that it printed, of its own accord."""
        return self.log.read_text(errors="replace")

    def children(self) -> dict[str, int]:
        """The process of each child, by the name the supervisor has for it."""
        assert self.process
        signs = {
            "postgres": "postgres",
            "rclone": "s3",
            "caddy": "gateway",
            "gunicorn": "site",
            "clock": "clock",
            "work": "worker",
        }
        found: dict[str, int] = {}
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0").split("\0")
            except OSError:  # gone since it was listed
                continue
            names = {Path(word).name for word in (*words[:2], words[-1])}
            found |= {name: int(pid) for sign, name in signs.items() if sign in names}  # a dead one has no words
        return found

    def left(self) -> list[int]:
        """Processes whose environment or command line names this home; zombies are not counted."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if int(entry.name) != os.getpid() and state != "Z" and str(self.home).encode() in told:
                found.append(int(entry.name))
        return found

    def get(self, path: str, headers: dict[str, str] | None = None, data: bytes | None = None) -> tuple[int, Any]:
        """Status and body of an answer; (0, b"") where nobody answers."""
        url = path if path.startswith("http") else self.url + path
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}), timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()
        except OSError:
            return 0, b""

    def rows_kept(self) -> int:
        """How many times the toy's database was prepared, as the running site sees it."""
        status, body = self.get("/readyz")
        assert status == 200, body
        return int(json.loads(body)["kept"])

    def stop(self) -> float:
        """SIGTERM; the seconds until it ended with 0."""
        assert self.process
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        return time.monotonic() - began

    def clear(self) -> None:
        """Nothing of it stays, whatever a test did."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        shutil.rmtree(self.home.parent if self.home.name == "home" else self.home, ignore_errors=True)


def until(holds: Callable[[], Any], seconds: float) -> bool:
    """Whether it came to hold in time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
