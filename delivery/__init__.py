"""Delivery: hands out links under contracts in force, and counts the bytes that really left."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exchange.app import Exchange


def install(app: Exchange) -> None:
    """Give the house this chapter's pages, API and jobs, and what it shows on pages below."""
    from delivery import api, desk, gate, pages, queries, sharing_api
    from delivery import jobs as _registered  # noqa: F401  importing the jobs registers them
    from exchange.web import api as web
    from exchange.web import forms
    from listings import registries

    app.register_blueprint(pages.blueprint)
    app.register_blueprint(desk.blueprint)
    app.register_blueprint(gate.blueprint)
    app.register_api(api.blueprint)
    app.register_blueprint(sharing_api.blueprint)
    forms.csrf.exempt(sharing_api.blueprint)
    web.speak(sharing_api.PREFIX, sharing_api.refused)
    pages.show_elsewhere()
    desk.install()
    registries.RECIPIENTS[:] = [queries.recipients]
