"""Fills an empty database with a demo market, through the same actions as everybody. Everything in it is invented."""

from typing import TYPE_CHECKING

from demo import commands

if TYPE_CHECKING:
    from exchange.app import Exchange


def install(app: "Exchange") -> None:
    """Hand the command that loads the demo market to the house."""
    app.cli.add_command(commands.demo)
