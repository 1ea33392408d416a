"""Starting and stopping: ready is said once, a refusal in one line, and nothing stays behind."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from exchange.__main__ import House
from exchange.embedded import CannotStart, Embedded, postgres_tool
from tests.run.instance import ROOT, until

pytestmark = pytest.mark.xdist_group("run")


def test_it_says_ready_stops_without_a_trace_and_is_ready_again_within_six_seconds(instance: Any) -> None:
    exchange = instance()
    exchange.start()
    assert exchange.said().splitlines()[0] == f"ready: http://127.0.0.1:{exchange.port}"
    assert f"mail is written to {exchange.home / 'mail'}" in exchange.said()

    assert exchange.stop() < 10
    assert exchange.left() == []
    assert not (exchange.home / "run" / "embedded.json").exists()

    assert exchange.start() < 6
    assert exchange.rows_kept() == 1  # what was there, and not prepared a second time


def test_a_killed_supervisor_takes_all_with_it_and_the_next_start_works_at_once(instance: Any) -> None:
    exchange = instance()
    exchange.start()
    exchange.process.send_signal(signal.SIGKILL)
    exchange.process.wait()
    exchange.start()
    assert exchange.rows_kept() == 1

    exchange.process.send_signal(signal.SIGKILL)
    exchange.process.wait()
    assert until(lambda: not exchange.left(), 10), exchange.left()


def test_its_secrets_are_for_its_owner_alone(instance: Any) -> None:
    exchange = instance()
    exchange.start()
    secrets = [*(exchange.home / "keys").iterdir(), exchange.home / "run" / "embedded.json"]
    assert {oct(path.stat().st_mode & 0o777) for path in secrets} == {"0o600"}
    assert json.loads(secrets[-1].read_text())["database_url"].startswith("postgresql+psycopg://")


def test_a_port_in_use_is_said_in_one_line(instance: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        exchange = instance(port=somebody.getsockname()[1])
        assert f"port {exchange.port} is in use" in exchange.refuse()
        assert not exchange.home.exists()


def test_a_limit_on_restarts_that_is_no_number_is_said_in_one_line(instance: Any) -> None:
    assert "RESTARTS_A_MINUTE must be a number" in instance(RESTARTS_A_MINUTE="often").refuse()


def test_a_home_that_cannot_be_written_is_said_in_one_line(instance: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    exchange = instance(home=tmp_path / "file" / "var")
    exchange.log = tmp_path / "log"
    assert "cannot write to EXCHANGE_HOME" in exchange.refuse()


def test_two_do_not_share_a_home(instance: Any) -> None:
    first = instance()
    first.start()
    second = instance(home=first.home)
    second.log = first.home.with_suffix(".second")
    assert f"another exchange runs in {first.home}" in second.refuse()
    assert first.rows_kept() == 1


def test_a_full_disk_is_said_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    house = House({"EXCHANGE_HOME": str(tmp_path / "home"), "PORT": "1"})
    monkeypatch.setattr(House, "_need_port", lambda *_: None)
    with pytest.raises(CannotStart, match="is full"):
        house.start()
    assert house.embedded.children == {}


def test_a_database_that_cannot_be_prepared_is_said_in_one_line(instance: Any) -> None:
    exchange = instance(TOY_PREPARE="fails")
    assert "the database is half migrated" in exchange.refuse()
    assert until(lambda: not exchange.left(), 5)


@pytest.mark.parametrize(
    ("wreck", "words"),
    [
        ("CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('9999')", "9999"),
        ("CREATE TABLE organization (id text)", "organization"),
    ],
)
def test_a_half_migrated_database_of_the_real_house_is_said_in_one_line(instance: Any, wreck: str, words: str) -> None:
    exchange = instance(site=ROOT)
    embedded = Embedded(exchange.home, exchange.port)
    embedded.start_postgres()
    psql = [postgres_tool("psql"), "-q", "-h", str(embedded.sockets / "postgres"), "-U", "postgres", "-c", wreck]
    subprocess.run(psql, check=True)
    embedded.stop()

    line = exchange.refuse()
    assert line.startswith("stopped: cannot prepare the database") and words in line


@pytest.mark.parametrize("port", ["", "http", "0", "70000"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    if port:
        with pytest.raises(CannotStart, match="PORT must be"):
            House({"PORT": port})
    else:
        assert House({"PORT": port}).port == 8000
