"""Delivery: hands out links under contracts in force, and counts the bytes that really left."""

from exchange.app import Exchange


def install(app: Exchange) -> None:
    """Give the house this chapter's pages, API, jobs and what it shows on pages below."""
    from delivery import api, jobs, pages

    app.register_blueprint(pages.blueprint)
    app.register_api(api.blueprint)
    pages.fill_slots()
