"""Delivery: hands out links under contracts in force, and counts the bytes that really left."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exchange.app import Exchange


def install(app: Exchange) -> None:
    """Give the house this chapter's pages, API and jobs, and what it shows on pages below."""
    from delivery import api, pages, queries
    from delivery import jobs as _registered  # noqa: F401  importing the jobs registers them
    from listings import registries

    app.register_blueprint(pages.blueprint)
    app.register_api(api.blueprint)
    pages.show_elsewhere()
    registries.RECIPIENTS[:] = [queries.recipients]
