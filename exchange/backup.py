"""`backup create DIR`, `backup restore DIR`: all that one exchange needs to stand up again elsewhere.

    DIR/database.dump   the database as it was at one moment (pg_dump's custom format)
    DIR/objects         managed storage; objects never change, so what the database names is there when copied after it
    DIR/access-logs     the gateway's log, longer than the database has read: what was counted, it knows by itself
    DIR/keys            secrets of the home; whoever has the backup has them
    DIR/manifest.json   size and SHA-256 of every file, written last: without it there is no backup

Works beside a running exchange and on a home at rest, whose database it then starts for the while.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psycopg
from flask.cli import AppGroup
from psycopg.conninfo import conninfo_to_dict

from exchange import clock, schema, storage
from exchange.config import Config, config
from exchange.embedded import BUCKET, CannotStart, Embedded, postgres_tool

FORMAT = 1
DUMP, MANIFEST = "database.dump", "manifest.json"
FOLDERS = ("objects", "access-logs", "keys")

backup = AppGroup("backup", help="Back up a whole exchange, and restore it into an empty home.")


class NoBackup(click.ClickException):
    """It cannot be done; the message is one clear line."""


@backup.command("create")
@click.argument("folder", type=click.Path(path_type=Path))
def create_command(folder: Path) -> None:
    """Write database, objects, access logs and keys to FOLDER."""
    with _one_clear_line():
        files = create(config(), folder.resolve())
    click.echo(f"backup: {len(files)} files, {sum(f['size'] for f in files.values())} bytes in {folder}")


@backup.command("restore")
@click.argument("folder", type=click.Path(path_type=Path))
def restore_command(folder: Path) -> None:
    """Fill an empty EXCHANGE_HOME from FOLDER."""
    with _one_clear_line():
        restore(config(), folder.resolve())
    click.echo(f"restored into {config().home}; start it with `make run`")


# ── create ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def create(c: Config, folder: Path) -> dict[str, Any]:
    """Back up into a folder that does not exist or is empty; what each file there is, by its path.

    Takes form beside its place and moves there at the end, so that half a backup is never taken for one.
    """
    if folder.exists() and any(folder.iterdir()):
        raise NoBackup(f"{folder} is not empty; a backup needs a folder of its own")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with _database(c) as url:
            _postgres("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={part / DUMP}")
        _save_objects(c, part / "objects")
        _copy_tree(c.access_log_dir, part / "access-logs")
        _copy_tree(c.home / "keys", part / "keys")
        files = {str(path.relative_to(part)): _identity(path) for path in _files(part)}
        manifest = {"format": FORMAT, "made_at": clock.real_now().isoformat(), "code": schema.head(), "files": files}
        (part / MANIFEST).write_text(json.dumps(manifest, indent=1))
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return files


def _save_objects(c: Config, target: Path) -> None:
    if c.embedded_storage:
        return _copy_tree(c.home / "objects" / BUCKET, target)
    for key in storage.keys():  # noqa: SIM118  a function of the bucket, not of a dict
        path = target / key
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.download(key, path)


def _copy_tree(source: Path, target: Path) -> None:
    """Copy what is there; a file that goes away meanwhile (an upload thrown out) was not part of it."""
    target.mkdir(parents=True, mode=0o700)
    for path in _files(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(path, copy)
        except FileNotFoundError:
            continue
        if path.suffix == ".log":
            _end_with_a_whole_line(copy)


def _end_with_a_whole_line(log: Path) -> None:
    """Cut off the line that was being written: a restored gateway goes on in this file."""
    with log.open("r+b") as file:
        tail = max(0, file.seek(0, os.SEEK_END) - (1 << 20))
        file.seek(tail)
        whole = file.read().rfind(b"\n") + 1
        if whole:
            file.truncate(tail + whole)


# ── restore ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def restore(c: Config, folder: Path) -> None:
    """Fill an empty home (and an empty database or bucket, where they are not embedded) from a backup.

    Every file is compared with the manifest before anything is written; what fails later leaves the home empty.
    """
    _check(folder)
    if any(path.parts[len(c.home.parts)] != "run" for path in _files(c.home)):
        raise NoBackup(f"{c.home} is not empty; a backup is restored into an empty EXCHANGE_HOME")
    if not c.embedded_storage and next(iter(storage.keys()), None) is not None:
        raise NoBackup(f"the bucket {c.s3_bucket} is not empty; a backup is restored into an empty one")
    try:
        _copy_tree(folder / "keys", c.home / "keys.part")
        with _database(c) as url:
            _need_empty(url)
            _postgres("pg_restore", url, "--exit-on-error", "--single-transaction", "--no-owner", str(folder / DUMP))
        _give_back_objects(c, folder / "objects")
        for name, source in (("keys", c.home / "keys.part"), ("access-logs", folder / "access-logs")):
            shutil.rmtree(c.home / name, ignore_errors=True)
            _copy_tree(source, c.home / name)
    except BaseException:
        for name in ("postgres", *FOLDERS):
            shutil.rmtree(c.home / name, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(c.home / "keys.part", ignore_errors=True)


def _check(folder: Path) -> None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoBackup(f"{folder} holds no backup (no {MANIFEST})") from error
    if manifest["format"] != FORMAT or manifest["code"] > schema.head():
        raise NoBackup(f"the backup in {folder} was made by a newer version; restore it with that one")
    for name, identity in manifest["files"].items():
        path = folder / name
        if not path.is_file() or _identity(path) != identity:
            raise NoBackup(f"the backup in {folder} is damaged: {name} is not as it was written")


def _give_back_objects(c: Config, source: Path) -> None:
    if c.embedded_storage:
        shutil.rmtree(c.home / "objects", ignore_errors=True)
        return _copy_tree(source, c.home / "objects" / BUCKET)
    for path in _files(source):
        with path.open("rb") as body:
            storage.put(path.relative_to(source).as_posix(), body)


def _need_empty(url: str) -> None:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    if row and row[0]:
        raise NoBackup("the database is not empty; a backup is restored into an empty one")


# ── both ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _database(c: Config) -> Iterator[str]:
    """The database's address; the embedded one is started where it does not run, and stopped again."""
    url = c.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    if not c.embedded_database or _answers(url):
        yield url
        return
    embedded = Embedded(c.home, c.port)
    embedded.claim()
    try:
        yield embedded.start_postgres().replace("postgresql+psycopg://", "postgresql://", 1)
    finally:
        embedded.stop()


def _answers(url: str) -> bool:
    if url == "postgresql://":
        return False
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _postgres(program: str, url: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; where the database is goes by a file, as others see command lines."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as service:
        service.write("\n".join(["[exchange]", *(f"{key}={value}" for key, value in conninfo_to_dict(url).items())]))
        service.flush()
        command = [postgres_tool(program), *arguments, "--dbname=service=exchange"]
        environment = os.environ | {"PGSERVICEFILE": service.name}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoBackup(f"{program}: {' '.join(done.stderr.split())[-400:]}")


@contextmanager
def _one_clear_line() -> Iterator[None]:
    try:
        yield
    except CannotStart as reason:
        raise NoBackup(str(reason)) from reason
    except OSError as error:
        raise NoBackup(f"{error.filename or 'backup'}: {error.strerror}") from error


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _identity(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"size": path.stat().st_size, "sha256": digest}
