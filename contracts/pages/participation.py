"""The terms of participation as pages: the template whole, and at /terms/… the clauses that bind a reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from flask import render_template

from contracts.guideline import parts, platform_participation
from contracts.guideline.parts import Clause, Party, Said, Template
from exchange import settings
from exchange.web import legal
from exchange.web.presentation import locale

# Whose page shows what binds whom: the key of the terms that are accepted, and the party.
READERS: dict[str, Party] = {"providers": "provider", "users": "buyer"}


@dataclass(frozen=True)
class Shown:
    """A clause in the reader's language."""

    clause: Clause
    title: str
    paragraphs: list[str]
    source: str


def show() -> None:
    """Write the terms of the ground floor, every version that there is as a template."""
    for version in platform_participation.VERSIONS:
        for key, party in READERS.items():
            legal.written_by(key, int(version.version), text_for(version, party))


def text_for(template: Template, party: Party) -> Callable[[], str]:
    """What writes the HTML of the clauses that bind a party."""
    return partial(_text, template, party)


def _text(template: Template, party: Party) -> str:
    mine = [shown for shown in clauses(template) if party in shown.clause.binds]
    others = [c.article for c in template.clauses if party not in c.binds]
    return render_template(
        "contracts/parts/participation.html", template=template, party=party, clauses=mine, others=others
    )


def clauses(template: Template) -> list[Shown]:
    """Every clause, with the operator's name in it."""
    name, lang = settings.current().operator_name, locale()
    written = parts.write(template, {}, {"operator": Said(name, name)}, standard={})
    return [
        Shown(clause, w.title.in_(lang), [p.in_(lang) for p in w.paragraphs], clause.source.in_(lang))
        for clause, w in zip(template.clauses, written, strict=True)
    ]
