"""What is on offer, and what is wanted: listings with releases and files, their review, the board of wants."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exchange.app import Exchange


def install(app: "Exchange") -> None:
    """Hand pages, JSON doors and jobs of this chapter to the house."""
    from listings import api, pages
    from listings import jobs as _registered  # noqa: F401  importing the jobs registers them

    for blueprint in pages.blueprints:
        app.register_blueprint(blueprint)
    pages.register_on_desk()
    for door in api.blueprints:
        app.register_api(door)
