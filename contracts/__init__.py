"""What was agreed: offers, contracts from request to end, the terms they stand on, and the document that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exchange.app import Exchange


def install(app: Exchange) -> None:
    """Hand the chapter's pages, API, jobs and facts for lower pages to the house."""
    from contracts import api, commands, jobs, pages  # noqa: F401  jobs register themselves

    _check_seal()
    for blueprint in pages.blueprints:
        app.register_blueprint(blueprint)
    app.register_api(api.blueprint)
    app.cli.add_command(commands.contracts)
    pages.show_elsewhere()


def _check_seal() -> None:
    """A certificate that cannot seal is found at the start, not when the first contract is approved."""
    from exchange.config import config

    if config().seal_certificate:
        from contracts.documents import certificate

        certificate.identity()
