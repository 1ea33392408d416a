"""Who is honored, and why: computed from the facts of listings and deliveries, never typed in."""

from typing import TYPE_CHECKING

from recognition import pages

if TYPE_CHECKING:
    from exchange.app import Exchange


def install(app: "Exchange") -> None:
    """Hand the board and the provider's piece of it to the house."""
    app.register_blueprint(pages.blueprint)
    pages.fill_slots()
