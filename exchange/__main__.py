"""`make run`: the parent of every process of one exchange, in the foreground until it is told to stop.

    checks → PostgreSQL, S3 → prepare (migrations, demo) → site, clock, worker → gateway → ready

A child that dies by itself is restarted, a few times; one that keeps dying stops the house. When the parent goes, by
whatever means, its children go with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from exchange.embedded import CannotStart, Embedded, child, kill, port_is_free, postgres_tool, tool

FREE_BYTES_MIN = 200 * 1024 * 1024
READY_WITHIN_SECONDS = 60.0
LEFT_OVERS_GONE_WITHIN_SECONDS = 8.0
STOPPED_WITHIN_SECONDS = 4.0  # the site and the jobs; the gateway before and the services after them have theirs
RESTARTS_FORGOTTEN_AFTER_SECONDS = 60.0


class House:
    """The processes of one exchange."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.home = Path(environment.get("EXCHANGE_HOME") or "./var").resolve()
        self.port = _port(environment.get("PORT") or "8000")
        self.bind = environment.get("BIND") or "127.0.0.1"
        self.restarts_max = _restarts(environment.get("RESTARTS_A_MINUTE") or "5")
        self.stopping = threading.Event()
        self.processes: dict[str, Any] = {}
        self.died: dict[str, list[float]] = {}

    # ---- start

    def start(self) -> None:
        """Bring everything up; raises `CannotStart` with one clear line."""
        killed_before = (self.home / "run" / "embedded.json").exists()
        if not killed_before:
            self._need_port(0)
        self.embedded = Embedded(self.home, self.port, self.bind)
        self.embedded.claim()
        if killed_before:  # its gateway is on its way out, at most its grace period long
            self._need_port(LEFT_OVERS_GONE_WITHIN_SECONDS)
        if shutil.disk_usage(self.home).free < FREE_BYTES_MIN:
            raise CannotStart(f"the disk of EXCHANGE_HOME {self.home} is full; free at least 200 MB")
        if not self.environment.get("DATABASE_URL"):
            self.embedded.start_postgres()
        if not (self.environment.get("S3_ENDPOINT_URL") or self.environment.get("S3_BUCKET")):
            self.embedded.start_s3()
        self.embedded.tell()
        if not self._is_prepared():
            self._prepare()
        # The site first: people wait for it, and two cores load one copy of the house faster than three.
        self._spawn("site")
        self.embedded.start_gateway()
        self._wait_until_ready()
        for name in ("clock", "worker"):
            self._spawn(name)

    def _need_port(self, within_seconds: float) -> None:
        until = time.monotonic() + within_seconds
        while not port_is_free(self.bind, self.port):
            if time.monotonic() >= until or self.stopping.is_set():
                raise CannotStart(f"port {self.port} is in use; stop what listens there, or choose another with PORT=…")
            time.sleep(0.05)

    def _environment(self) -> dict[str, str]:
        told = {"EXCHANGE_HOME": str(self.home), "PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        return self.environment | told

    def _flask(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]

    def _is_prepared(self) -> bool:
        """Whether the embedded database is as `prepare` left it; loading the house to see takes 2 s, psql 20 ms."""
        if self.environment.get("DATABASE_URL"):
            return False
        marker = self.home / "run" / "prepared"
        return (
            marker.exists() and marker.read_text() == self._preparation() and self._migration() == _newest_migration()
        )

    def _preparation(self) -> str:
        return f"{_newest_migration()} demo={self.environment.get('DEMO', '1')}"

    def _migration(self) -> str:
        """The migration that the embedded database stands at, as it says itself."""
        command = [postgres_tool("psql"), "-XAt", "-h", str(self.embedded.sockets / "postgres"), "-U", "postgres"]
        command += ["-d", "postgres", "-c", "SELECT version_num FROM alembic_version"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    def _prepare(self) -> None:
        """Migrations and the demo, in a process of their own; its last line says why it could not."""
        log = self.home / "run" / "prepare.log"
        with log.open("wb") as output:
            process = child(self._flask("prepare", "--demo"), stdout=output, stderr=output, env=self._environment())
            self.processes["prepare"] = process
            process.wait()
            del self.processes["prepare"]
        if process.returncode and not self.stopping.is_set():
            raise CannotStart(f"cannot prepare the database: {_last_line(log)} (whole log: {log})")
        if not process.returncode:
            (self.home / "run" / "prepared").write_text(self._preparation())

    def _spawn(self, name: str) -> None:
        self.processes[name] = child(self._command(name), env=self._environment())

    def _command(self, name: str) -> list[str]:
        if name == "clock":
            return self._flask("jobs", "clock")
        if name == "worker":
            return self._flask("jobs", "work")
        socket = self.embedded.site_socket
        socket.unlink(missing_ok=True)
        workers, threads = self.environment.get("WEB_WORKERS") or "2", self.environment.get("WEB_THREADS") or "8"
        command = [
            tool("gunicorn"),
            "wsgi:app",
            "--bind",
            f"unix:{socket}",
            "--worker-class",
            "gthread",
            "--umask",
            "0o077",
        ]
        command += ["--workers", workers, "--threads", threads, "--graceful-timeout", "3", "--timeout", "120"]
        # Loaded once, then forked: half the start, and the workers share the memory.
        return [
            *command,
            "--preload",
            "--worker-tmp-dir",
            str(self.home / "run"),
            "--log-level",
            "warning",
            "--no-control-socket",
        ]

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + READY_WITHIN_SECONDS
        reason = "no answer"
        while time.monotonic() < until and not self.stopping.is_set():
            try:
                with urllib.request.urlopen(f"http://{self.bind}:{self.port}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError as error:
                reason = str(error)
            self._tend()
            time.sleep(0.05)
        if not self.stopping.is_set():
            raise CannotStart(f"the site did not become ready within {READY_WITHIN_SECONDS:.0f} s: {reason}")

    # ---- run

    def run(self) -> None:
        """Look after the children until told to stop."""
        say(f"ready: http://{'127.0.0.1' if self.bind == '0.0.0.0' else self.bind}:{self.port}")
        if not self.environment.get("SMTP_URL"):
            say(f"mail is written to {self.home / 'mail'} (set SMTP_URL to send it)")
        while not self.stopping.wait(0.3):
            self._tend()

    def _tend(self) -> None:
        """Restart what died; a service of the embedded kind takes the whole house down in order."""
        for name, process in list(self.embedded.children.items()):
            if process.poll() is not None and not self.stopping.is_set():
                self._restart_service(name, process.returncode)
        for name, process in list(self.processes.items()):
            if process.poll() is not None and not self.stopping.is_set():
                self._count_death(name, process.returncode)
                self._spawn(name)

    def _restart_service(self, name: str, code: int) -> None:
        self._count_death(name, code)
        start = {
            "postgres": self.embedded.start_postgres,
            "s3": self.embedded.restart_s3,
            "gateway": self.embedded.start_gateway,
        }
        start[name]()

    def _count_death(self, name: str, code: int) -> None:
        now = time.monotonic()
        recent = [at for at in self.died.get(name, []) if now - at < RESTARTS_FORGOTTEN_AFTER_SECONDS]
        self.died[name] = [*recent, now]
        if len(recent) >= self.restarts_max:
            raise CannotStart(f"{name} died {len(recent) + 1} times within a minute (last code {code}); stopping")
        say(f"{name} died (code {code}); restarting it", error=True)

    def stop(self) -> None:
        """End everything, those who write first, the database last."""
        self.stopping.set()
        if hasattr(self, "embedded"):
            self.embedded.stop_one("gateway")  # it ends what it is answering and lets go of the site
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + STOPPED_WITHIN_SECONDS
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))
            kill(process)
        if hasattr(self, "embedded"):
            self.embedded.stop()


def say(line: str, *, error: bool = False) -> None:
    """One line to whoever watches."""
    print(line, file=sys.stderr if error else sys.stdout, flush=True)


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise CannotStart(f"PORT must be a number from 1 to 65535, not {text[:20]!r}")
    return int(text)


def _restarts(text: str) -> int:
    if not text.isdigit() or len(text) > 6:
        raise CannotStart(f"RESTARTS_A_MINUTE must be a number from 0 to 999999, not {text[:20]!r}")
    return int(text)


def _newest_migration() -> str:
    """The number of the newest migration file."""
    versions = Path(__file__).resolve().parent.parent / "migrations" / "versions"
    return max((path.name[:4] for path in versions.glob("[0-9]*.py")), default="")


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if "Error" in line and not line.startswith("(Background")] or lines
    return told[-1][:400] if told else "no message"


def main() -> int:
    """Run the house; the exit code is 0 after an orderly stop, 1 when it could not start or go on."""
    house: House | None = None
    try:
        house = House(dict(os.environ))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: _stop_soon(house))
        house.start()
        if not house.stopping.is_set():
            house.run()
        return 0
    except CannotStart as reason:
        say(f"stopped: {reason}", error=True)
        return 1
    finally:
        if house is not None:
            house.stop()


def _stop_soon(house: House | None) -> None:
    if house is not None:
        house.stopping.set()
        if process := house.processes.get("prepare"):
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
