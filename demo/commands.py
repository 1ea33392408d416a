"""`demo load`: the demo market, into an empty database and into no other."""

import click
from flask.cli import AppGroup

from demo import market
from exchange import clock, database, jobs
from exchange.config import config

demo = AppGroup("demo", help="The demo market.")


@demo.command("load")
def load() -> None:
    """Fill an empty database with the demo market; refuses one that holds anything."""
    if not config().embedded_database:
        raise click.ClickException("the demo market is never loaded into a database that DATABASE_URL names")
    try:
        with database.transaction():
            market.load(clock.now())
    except market.NotEmpty as refusal:
        raise click.ClickException(str(refusal.detail)) from refusal
    finally:
        database.session.remove()
    jobs.run_periodic("seal-audit-log")
