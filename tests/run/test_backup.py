"""A backup taken beside the running demo market, restored into an empty home, is the same exchange."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from exchange import backup
from exchange.config import load
from exchange.embedded import Embedded
from tests.run.instance import ROOT, Instance


def rows(url: str) -> dict[str, str]:
    """A digest of all rows of each table."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        tables = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        digest = "SELECT count(*) || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM \"{}\" AS t"
        return {table: connection.execute(digest.format(table)).fetchone()[0] for table in tables}  # type: ignore[index, arg-type]


def files(folder: Path) -> dict[str, str]:
    """The digest of every file under a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the application for a home."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "S3_", "TESTS_"))}
    environment = kept | {"EXCHANGE_HOME": str(home)}
    flask = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
    return subprocess.run(flask, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[Instance]:
    """The real house on a home that does not exist yet."""
    other = Instance(site=ROOT, home=tmp_path / "home")
    yield other
    other.clear()


def test_a_restored_exchange_holds_every_row_object_and_key_and_delivers(
    live: Any, restored: Instance, tmp_path: Path
) -> None:
    url = json.loads((live.home / "run" / "embedded.json").read_text())["database_url"]
    before, stored = rows(url), files(live.home / "objects")
    assert command(live.home, "backup", "create", str(tmp_path / "backup")).returncode == 0
    after = rows(url)
    done = command(restored.home, "backup", "restore", str(tmp_path / "backup"))
    assert done.returncode == 0, done.stderr

    embedded = Embedded(restored.home, restored.port)
    here = rows(embedded.start_postgres())
    embedded.stop()
    still = {table for table in before if before[table] == after[table]}  # what its jobs did not write meanwhile
    assert here.keys() == before.keys() and len(still) > 25
    assert {table for table in still if here[table] != before[table]} == set()

    assert len(stored) >= 12
    assert stored.items() <= files(restored.home / "objects").items() <= files(live.home / "objects").items()
    assert "seal.pem" in files(live.home / "keys") and files(restored.home / "keys") == files(live.home / "keys")
    log = (live.home / "access-logs" / "access.log").read_bytes()
    assert log.startswith((restored.home / "access-logs" / "access.log").read_bytes())

    restored.start()
    free = json.loads(restored.get("/api/v1/listings?pricing=free&limit=100")[1])["items"]
    listing = next(item["id"] for item in free if item["is_open"])  # others are free under a contract
    file = json.loads(restored.get(f"/api/v1/listings/{listing}")[1])["files"][0]
    status, body = restored.get(f"/api/v1/listings/{listing}/files/{file['id']}/content")
    assert status == 200 and hashlib.sha256(body).hexdigest() == file["variants"]["original"]["sha256"]
    assert restored.stop() < 10 and restored.left() == []


def test_nothing_is_restored_over_something_or_from_a_damaged_backup(live: Any, tmp_path: Path) -> None:
    running, empty = load(live.env), load({"EXCHANGE_HOME": str(tmp_path / "home")}, at_rest=True)
    folder = tmp_path / "backup"
    backup.create(running, folder)

    with pytest.raises(backup.NoBackup, match="needs a folder of its own"):
        backup.create(running, folder)
    with pytest.raises(backup.NoBackup, match="into an empty EXCHANGE_HOME"):
        backup.restore(running, folder)
    with pytest.raises(backup.NoBackup, match="holds no backup"):
        backup.restore(empty, tmp_path / "nowhere")
    (folder / backup.DUMP).write_bytes(b"cut short")
    with pytest.raises(backup.NoBackup, match=f"damaged: {backup.DUMP}"):
        backup.restore(empty, folder)
    assert not (tmp_path / "home").exists()


def test_a_restore_that_fails_leaves_the_home_empty(live: Any, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    backup.create(load(live.env), folder)
    manifest = json.loads((folder / backup.MANIFEST).read_text())
    (folder / backup.DUMP).write_bytes(b"PGDMP no dump")
    manifest["files"][backup.DUMP] = backup._identity(folder / backup.DUMP)
    (folder / backup.MANIFEST).write_text(json.dumps(manifest))

    home = tmp_path / "home"
    with pytest.raises(backup.NoBackup, match="pg_restore"):
        backup.restore(load({"EXCHANGE_HOME": str(home)}, at_rest=True), folder)
    assert {path.name for path in home.iterdir()} == {"run"}


def test_a_line_half_written_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "access.log").write_text('{"a": 1}\n{"b": 2}\n{"c"')
    backup._copy_tree(tmp_path / "logs", tmp_path / "copy")
    assert (tmp_path / "copy" / "access.log").read_text() == '{"a": 1}\n{"b": 2}\n'
