"""What is owed, paid and paid out: the ledger, invoices, money in, money out, months closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exchange.app import Exchange


def install(app: Exchange) -> None:
    """Give the house this chapter's pages, API, jobs, and what it shows on pages below."""
    from exchange.web import forms
    from settlement import api, commands, jobs, pages, papers_api, webhooks  # noqa: F401 - importing jobs registers them

    app.register_blueprint(pages.blueprint)
    app.register_blueprint(webhooks.blueprint)
    forms.csrf.exempt(webhooks.blueprint)  # machines bring no form: their signature is the proof
    app.register_api(api.blueprint)
    app.register_api(papers_api.blueprint)
    pages.fill_registries()
    app.cli.add_command(commands.ledger)
