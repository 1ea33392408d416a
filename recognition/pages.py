"""The board of those who open data, and its piece on the provider page."""

from typing import Any

from flask import Blueprint, render_template

from exchange import clock
from exchange.web import slots
from exchange.web.access import public
from recognition import queries

blueprint = Blueprint("recognition", __name__)
CSR_KINDS = ("company", "npo", "university")


@blueprint.get("/recognition")
@public
def board() -> Any:
    """Who opens data, and why they are honored."""
    at = clock.now()
    standings = queries.board(at=at)
    return render_template(
        "recognition/board.html",
        companies=[s for s in standings if s.organization.kind in CSR_KINDS],
        municipalities=[s for s in standings if s.organization.kind == "municipality"],
        opened=queries.newly_opened(),
        computed_at=at,
    )


def _on_provider_page(organization: Any) -> str | None:
    standing = next(iter(queries.board(at=clock.now(), provider_id=organization.id)), None)
    return render_template("recognition/standing.html", standing=standing)


def _on_home() -> str | None:
    honored = queries.board(at=clock.now(), kinds=CSR_KINDS)[:6]
    return render_template("recognition/home.html", honored=honored) if honored else None


def fill_slots() -> None:
    """Show standings on lower pages."""
    slots.fill("provider.recognition", _on_provider_page)
    slots.fill("home.recognition", _on_home)
