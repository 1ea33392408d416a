"""The standard templates, for everyone to read."""

from typing import Any

from flask import Blueprint, render_template

from contracts import guideline
from contracts.guideline import open_terms
from contracts.pages import participation, shown
from exchange import clock
from exchange.config import config
from exchange.web.access import public
from exchange.web.presentation import locale

blueprint = Blueprint("contract_templates", __name__, url_prefix="/contract-templates")


@blueprint.get("")
@public
def index() -> Any:
    """Which templates there are, and when each fits."""
    templates = guideline.TEMPLATES.values()
    return render_template(
        "contracts/templates.html",
        contracts=[t for t in templates if t.is_offered and not t.is_open],
        participation=[t for t in templates if not t.is_offered],
        open_terms=[t for t in templates if t.is_open],
        said=shown.said,
    )


@blueprint.get("/<key>")
@public
def show(key: str) -> Any:
    """One template: every clause with its source, every choice with its help."""
    template = guideline.template(key)
    if not template.is_offered:
        return render_template(
            "contracts/participation.html",
            template=template,
            clauses=participation.clauses(template),
            said=shown.said,
        )
    if template.is_open:
        lines = open_terms.attribution_lines(
            template,
            title="データの名前",
            provider="提供者の名前",
            url=f"{config().url}/listings/…",
            day=clock.today(),
        )
        return render_template("contracts/open_terms.html", template=template, lines=lines, said=shown.said)
    return render_template(
        "contracts/template.html",
        template=template,
        clauses=shown.example_of(template, locale()),
        said=shown.said,
    )
