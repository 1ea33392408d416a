"""An offer as it reads: its clauses written out and marked against the standard, its table of rights, its annexes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from contracts import guideline, pricing
from contracts.documents import content as documents
from contracts.guideline import parts
from contracts.guideline.annexes import ANNEXES
from contracts.guideline.parts import Deal, Said, Template, Value
from contracts.models import Offer
from contracts.pages.shown import said
from exchange import settings
from exchange.identity.models import Organization

SOMEBODY = Said("（申し込む組織）", "(the organization that applies)")
PURPOSE = Said("（申込みの画面に入力する利用目的）", "(the purpose typed in the application)")
NO_PRICE = Said("（まだ決めていない額）", "(an amount still to be set)")


@dataclass(frozen=True)
class Reading:
    """What an offer says, for a page."""

    clauses: list[dict[str, Any]]
    matrix: dict[str, Any] | None
    annexes: list[dict[str, Any]]
    broken: list[str]  # why these choices cannot stand together

    @property
    def deviating(self) -> list[dict[str, Any]]:
        """The clauses that read otherwise than the standard."""
        return [clause for clause in self.clauses if clause["deviates"]]


def of(
    offer: Offer,
    typed: Mapping[str, Any] | None = None,
    *,
    buyer: Organization | None = None,
    articles: Collection[int] | None = None,
) -> Reading:
    """An offer with `typed` choices over it, as it would stand between its provider and `buyer`; of some articles."""
    template, deal = guideline.template(offer.template_key), deal_of(offer, buyer)
    values = values_of(offer, typed)
    facts, standard = _facts(offer, buyer), parts.defaults(template, deal)
    written = parts.write(template, values, facts, standard=standard)
    broken = [said(rule.message) for rule in parts.broken_rules(template, values, deal)]
    annexes = parts.write_annexes(template, ANNEXES, values, facts, deal)
    return Reading(
        [_clause(clause) for clause in written if articles is None or clause.article in articles],
        _matrix(template, values),
        [{"title": said(a.title), "paragraphs": [said(p) for p in a.paragraphs]} for a in annexes],
        broken,
    )


def deal_of(offer: Offer, buyer: Organization | None = None) -> Deal:
    """The facts of an offer that rules look at."""
    listing = offer.listing
    return Deal(offer.pricing["model"], listing.provider.kind, listing.data_class or "", buyer.kind if buyer else "")


def values_of(offer: Offer, typed: Mapping[str, Any] | None = None) -> dict[str, Value]:
    """Every variable as the offer has it, and as it was typed where that can be taken."""
    template = guideline.template(offer.template_key)
    standing = parts.defaults(template, deal_of(offer)) | offer.variables
    wanted = standing | dict(typed or {})
    return {v.key: standing[v.key] if v.complaint(wanted[v.key]) else wanted[v.key] for v in template.variables}


def changed(offer: Offer) -> list[tuple[str, str, str]]:
    """The variables that the provider set otherwise than the standard: label, standard, value."""
    template, values = guideline.template(offer.template_key), values_of(offer)
    standard = parts.defaults(template, deal_of(offer))
    return [
        (said(v.label), said(v.shown(standard[v.key])) or _("（なし）"), said(v.shown(values[v.key])) or _("（なし）"))
        for v in template.variables
        if values[v.key] != standard[v.key]
    ]


def _facts(offer: Offer, buyer: Organization | None) -> dict[str, Said]:
    operator, provider = settings.current().operator_name, offer.listing.provider.name
    parsed = pricing.parse(offer.pricing) if offer.has_price else None
    details = pricing.details
    return {
        "provider": Said(provider, provider),
        "buyer": Said(buyer.name, buyer.name) if buyer else SOMEBODY,
        "operator": Said(operator, operator),
        "listing_title": Said(offer.listing.title, offer.listing.title),
        "purpose": PURPOSE,
        "price": documents.price_said(parsed) if parsed else NO_PRICE,
        "price_details": Said("".join(details(parsed)), " ".join(details(parsed, "en"))) if parsed else Said("", ""),
    }


def _clause(clause: parts.WrittenClause) -> dict[str, Any]:
    return {
        "article": clause.article,
        "title": said(clause.title),
        "paragraphs": [said(p) for p in clause.paragraphs],
        "deviates": clause.deviates,
    }


def _matrix(template: Template, values: Mapping[str, Value]) -> dict[str, Any] | None:
    """Who may do what with which data; lines that name no data are not there."""
    matrix = template.matrix
    if matrix is None:
        return None
    return {
        "title": said(matrix.title),
        "row": said(matrix.row),
        "columns": [said(column) for column in matrix.columns],
        "heads": [{"label": said(column)} for column in matrix.columns],
        "lines": [
            {
                "name": values[line.name],
                "cells": [said(template.variable(key).shown(values[key])) for key in line.cells],
            }
            for line in matrix.lines
            if values[line.name]
        ],
    }
