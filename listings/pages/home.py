"""The front page: what one can get here, and whether it is trustworthy."""

from typing import Any

from flask import Blueprint, render_template

from exchange.web import desk
from exchange.web.access import public
from listings import queries, rules

blueprint = Blueprint("home", __name__)
EXAMPLES = ("避難所", "人口", "公共施設")
NEWEST_SHOWN = 6


@blueprint.get("/")
@public
def show() -> Any:
    """Search, figures that are true now, themes, the newest listings, three doors."""
    figures = queries.market_figures()
    return render_template(
        "home.html",
        figures=figures,
        more_figures=desk.home_figures(),
        themes=[(key, label, figures.by_theme.get(key, 0)) for key, label in rules.THEMES.items()],
        newest=queries.newest_public(limit=NEWEST_SHOWN),
        examples=EXAMPLES,
        rules=rules,
    )
