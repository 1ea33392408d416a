"""What was proposed by whom, and how any two versions differ, clause by clause and variable by variable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask_babel import gettext as _

from contracts import queries
from contracts.models import Contract, Round
from contracts.pages import standing
from contracts.pages.shown import said
from exchange.errors import NotFound
from exchange.web.access import me, signed_in

blueprint = Blueprint("versions", __name__, url_prefix="/desk/contracts/<contract_id>/versions")


@blueprint.get("")
@signed_in()
def index(contract_id: str) -> Any:
    """Every round with who proposed it, when, and its message; which two to compare."""
    contract = queries.contract_seen_by(me(), contract_id)
    version, other = request.args.get("version", type=int), request.args.get("with", type=int)
    if version and other:
        return redirect(f"/desk/contracts/{contract.id}/versions/{version}?with={other}", 303)
    return render_template("contracts/versions.html", contract=contract, rounds=rounds(contract))


@blueprint.get("/<int:version>")
@signed_in()
def compare(contract_id: str, version: int) -> Any:
    """A version beside another (`with`), the older one on the left; without it, beside the one on the table."""
    contract = queries.contract_seen_by(me(), contract_id)
    other = request.args.get("with", default=contract.version, type=int)
    before, after = (_round(contract, n) for n in sorted((version, other)))
    return render_template(
        "contracts/comparison.html",
        contract=contract,
        before=before,
        after=after,
        variables=variables(before, after),
        clauses=clauses(before, after),
        rounds=rounds(contract),
    )


def _round(contract: Contract, version: int) -> Round:
    if not 1 <= version <= contract.version:
        raise NotFound()
    return queries.round_of(contract, version)


def rounds(contract: Contract) -> list[dict[str, Any]]:
    """Every round, the newest first."""
    return [
        {"version": r.version, "who": standing.party(contract, r.side), "at": r.at, "message": r.message}
        for r in reversed(contract.rounds)
    ]


def variables(before: Round, after: Round) -> list[tuple[str, str, str]]:
    """Every variable in two rounds: label, before, after. A text that was not given is named as such."""
    left = {v["key"]: v for v in json.loads(before.content)["variables"]}
    return [
        (said(v["label"]), said(left[v["key"]]["shown"]) or _("（なし）"), said(v["shown"]) or _("（なし）"))
        for v in json.loads(after.content)["variables"]
        if v["key"] in left
    ]


def changes(before: Round, after: Round) -> list[tuple[str, str, str]]:
    """Those of them that differ."""
    return [row for row in variables(before, after) if row[1] != row[2]]


@dataclass(frozen=True)
class Compared:
    """A clause in two versions: its paragraphs, each with whether the other version lacks it."""

    article: int
    title: str
    before: list[tuple[str, bool]]
    after: list[tuple[str, bool]]

    @property
    def changed(self) -> bool:
        """Whether the clause reads otherwise."""
        return any(lacking for _text, lacking in (*self.before, *self.after))


def clauses(before: Round, after: Round) -> list[Compared]:
    """Every clause in two rounds. Both stand on one template, so their articles are the same."""
    pairs = zip(json.loads(before.content)["clauses"], json.loads(after.content)["clauses"], strict=True)
    return [
        Compared(
            right["article"],
            said(right["title"]),
            _against(left["paragraphs"], right["paragraphs"]),
            _against(right["paragraphs"], left["paragraphs"]),
        )
        for left, right in pairs
    ]


def _against(mine: Sequence[dict[str, str]], other: Sequence[dict[str, str]]) -> list[tuple[str, bool]]:
    return [(said(paragraph), paragraph not in other) for paragraph in mine]
