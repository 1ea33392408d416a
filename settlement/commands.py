"""The chapter's command line: `ledger verify`, `ledger grant ROLE`."""

from __future__ import annotations

import json
import sys

import click
from flask.cli import AppGroup

ledger = AppGroup("ledger", help="The ledger.")


@ledger.command("verify")
def verify() -> None:
    """Prove the books: the hash chain, every entry, every kept balance; exit code 1 with the first fault."""
    from exchange import clock, database
    from settlement import sealing

    with database.transaction():
        proof = sealing.prove(at=clock.now())
    if proof.fault:
        fault = proof.fault
        told = {"entry": fault.entry_id, "place": fault.place, "account": fault.account}
        shown = {"broken": fault.where, "what": str(fault.what)} | {k: v for k, v in told.items() if v}
        click.echo(json.dumps(shown, ensure_ascii=False), err=True)
        sys.exit(1)
    click.echo(f"intact: {proof.sealed} entries")


@ledger.command("grant")
@click.argument("role")
def grant(role: str) -> None:
    """Give the database ROLE all that the application needs, and no right to change what is booked.

    Run as the owner of the tables; the application then connects as ROLE and cannot switch off what guards the ledger.
    """
    from exchange import database
    from settlement import privileges

    with database.transaction():
        privileges.grant(role)
    click.echo(f"granted to {role}")
