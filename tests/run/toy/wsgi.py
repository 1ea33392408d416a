"""A site of three routes and the commands that the supervisor calls, so that its stories take seconds."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import psycopg
from flask import Flask, request
from flask.cli import AppGroup

from exchange.__main__ import _newest_migration
from exchange.config import config

app = Flask(__name__)
jobs = AppGroup("jobs")


def _database() -> Any:
    return psycopg.connect(config().database_url.replace("+psycopg", ""), autocommit=True)


@app.get("/readyz")
def ready() -> Any:
    """Ready when the database answers and holds what was prepared."""
    try:
        with _database() as connection:
            kept = connection.execute("SELECT count(*) FROM kept").fetchone()
    except psycopg.Error as error:
        return str(error), 503
    return {"kept": kept[0]}


@app.route("/echo", methods=["GET", "POST"])
@app.post("/verify")
def echo() -> Any:
    """What reached the site."""
    return {"headers": dict(request.headers), "size": len(request.get_data())}


@app.get("/gate")
def gate() -> Any:
    """Reads pass that carry the grant g1, and what is refused is told what was asked."""
    passes = "x-grant=g1" in request.headers.get("X-Gate-Uri", "")
    return ("", 204) if passes else ({"args": dict(request.args), "headers": dict(request.headers)}, 403)


@app.cli.command("prepare")
def _prepare() -> None:
    """One row more each time."""
    if os.environ.get("TOY_PREPARE") == "fails":
        raise RuntimeError("Error: the database is half migrated")
    with _database() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (at timestamptz DEFAULT now())")
        connection.execute("INSERT INTO kept DEFAULT VALUES")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS alembic_version AS SELECT %s AS version_num", [_newest_migration()]
        )


@jobs.command("clock")
def _clock() -> None:
    if os.environ.get("TOY_CLOCK") == "dies":
        sys.exit(3)
    signal.pause()


@jobs.command("work")
def _work() -> None:
    signal.pause()


# The supervisor says `prepare --demo`.
app.cli.commands["prepare"].params.append(__import__("click").Option(["--demo"], is_flag=True, expose_value=False))
app.cli.add_command(jobs)
