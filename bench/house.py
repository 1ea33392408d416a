"""A house of its own for a benchmark: embedded services in a temporary home, rows, and gunicorn as `make run` starts it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from exchange.embedded import Embedded

WORKERS, THREADS = "2", "8"
SEAL = ("SEAL_CERTIFICATE", "SEAL_KEY")
READY_WITHIN_SECONDS = 60.0


class House:
    """PostgreSQL (durable, as in use), the S3 store, the tables; then `serve()`."""

    def __enter__(self) -> House:
        self.home = Path(tempfile.mkdtemp(prefix="bench-"))
        self.port = _free_port()
        for name in ("DATABASE_URL", "S3_ENDPOINT_URL", "S3_BUCKET", "SECRET_KEY", "CLOCK_OFFSET_DAYS", *SEAL):
            os.environ.pop(name, None)
        os.environ |= {"EXCHANGE_HOME": str(self.home), "PORT": str(self.port), "DEMO": "0"}
        self.embedded = Embedded(self.home, self.port)
        self.embedded.start_postgres()
        self.embedded.start_s3()
        self.embedded.tell()
        self.server: subprocess.Popen[bytes] | None = None
        self._make_tables()
        return self

    def _make_tables(self) -> None:
        import wsgi  # noqa: F401  every chapter's models
        from exchange import database

        database.Base.metadata.create_all(database.engine())

    def serve(self) -> None:
        """Start gunicorn with the house and the bare views on one server, and wait until it answers."""
        command = [str(Path(sys.executable).parent / "gunicorn"), "bench.server:application"]
        command += ["--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread", "--workers", WORKERS]
        command += ["--threads", THREADS, "--log-level", "warning", "--no-control-socket"]
        with (self.home / "server.log").open("wb") as log:
            self.server = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError((self.home / "server.log").read_text()[-2000:])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from exchange import database

        if self.server:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(20)
        database.session.remove()
        database.dispose()
        self.embedded.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
