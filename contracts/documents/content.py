"""What a contract says, as canonical content: one JSON text, byte for byte, over which the SHA-256 is taken.

Page, PDF and ODRL are all made from it, and each round keeps its own, so that nothing written later (a listing's new
title, a template's next version) changes what was agreed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts import pricing
from contracts.documents.printable import printed
from contracts.guideline import parts
from contracts.guideline.annexes import ANNEXES
from contracts.guideline.parts import Deal, Said, Template, Value
from contracts.pricing import Pricing
from exchange.identity.models import Organization
from listings.models import Listing, Release

FORMAT = "nakadachi-contract/1"
Content = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Everything that one version of a contract is made of."""

    number: str
    version: int
    template: Template
    values: Mapping[str, Value]
    deal: Deal
    price: Pricing
    purpose: str
    provider: Organization
    buyer: Organization
    listing: Listing
    release: Release | None
    operator_name: str


def content(terms: Terms) -> Content:
    """What these terms say, in full."""
    return {
        "format": FORMAT,
        "number": terms.number,
        "version": terms.version,
        "template": _template(terms.template),
        "operator": printed(terms.operator_name),
        "provider": _party(terms.provider),
        "buyer": _party(terms.buyer),
        "data": _data(terms.listing, terms.release),
        "purpose": terms.purpose,
        "pricing": pricing.as_json(terms.price),
        "price": _said(price_said(terms.price)),
        "price_details": [_said(Said(*pair)) for pair in _details(terms.price)],
        "variables": _variables(terms),
        "clauses": [_clause(clause) for clause in written(terms)],
        "matrix": _matrix(terms),
        "annexes": _annexes(terms),
    }


def canonical(said: Content) -> str:
    """The one JSON text of a content: sorted keys, no blanks, characters as they are."""
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sha256(canonical_text: str) -> str:
    """The SHA-256 over the canonical text in UTF-8, in hexadecimal."""
    return hashlib.sha256(canonical_text.encode()).hexdigest()


def written(terms: Terms) -> list[parts.WrittenClause]:
    """The clauses with everything filled in."""
    standard = parts.defaults(terms.template, terms.deal)
    return parts.write(terms.template, terms.values, _facts(terms), standard=standard)


def _facts(terms: Terms) -> dict[str, Said]:
    return {
        "provider": _plain(terms.provider.name),
        "buyer": _plain(terms.buyer.name),
        "operator": _plain(terms.operator_name),
        "listing_title": _plain(terms.listing.title),
        "purpose": Said(terms.purpose, terms.purpose),
        "price": price_said(terms.price),
        "price_details": Said("".join(pricing.details(terms.price)), " ".join(pricing.details(terms.price, "en"))),
    }


def price_said(price: Pricing) -> Said:
    """The price as it stands in the clause on payment."""
    if pricing.is_free(price):
        return Said("無償", "free of charge")
    return Said(f"{pricing.words(price)}（消費税別）", f"{pricing.words(price, 'en')}, consumption tax not included")


def _details(price: Pricing) -> list[tuple[str, str]]:
    return list(zip(pricing.details(price), pricing.details(price, "en"), strict=True))


def _plain(value: str) -> Said:
    return Said(printed(value), printed(value))


def _said(said: Said) -> dict[str, str]:
    return {"ja": said.ja, "en": said.en}


def _template(template: Template) -> Content:
    return {
        "key": template.key,
        "version": template.version,
        "dated": template.dated.isoformat(),
        "name": _said(template.name),
        "source": _said(template.source),
    }


def _party(organization: Organization) -> Content:
    return {
        "id": organization.id,
        "name": printed(organization.name),
        "kind": organization.kind,
        "corporate_number": organization.corporate_number,
        "municipality_code": organization.municipality_code,
        "address": printed(organization.address),
        "representative": printed(organization.representative),
    }


def _data(listing: Listing, release: Release | None) -> Content:
    return {
        "listing_id": listing.id,
        "title": printed(listing.title),
        "summary": printed(listing.summary),
        "data_class": listing.data_class,
        "source": printed(listing.source),
        "period_start": listing.period_start.isoformat() if listing.period_start else None,
        "period_end": listing.period_end.isoformat() if listing.period_end else None,
        "release_id": release.id if release else None,
        "release_number": release.number if release else None,
    }


def _variables(terms: Terms) -> list[Content]:
    standard = parts.defaults(terms.template, terms.deal)
    return [
        {
            "key": v.key,
            "article": v.article,
            "label": _said(v.label),
            "value": terms.values[v.key],
            "shown": _said(v.shown(terms.values[v.key])),
            "deviates": terms.values[v.key] != standard[v.key],
        }
        for v in terms.template.variables
    ]


def _clause(clause: parts.WrittenClause) -> Content:
    return {
        "article": clause.article,
        "title": _said(clause.title),
        "paragraphs": [_said(p) for p in clause.paragraphs],
        "deviates": clause.deviates,
    }


def _matrix(terms: Terms) -> Content | None:
    """Who may do what with which data, as a table; lines that name no data are not there."""
    matrix, template = terms.template.matrix, terms.template
    if matrix is None:
        return None
    return {
        "title": _said(matrix.title),
        "row": _said(matrix.row),
        "columns": [_said(column) for column in matrix.columns],
        "lines": [
            {
                "name": terms.values[line.name],
                "cells": [_said(template.variable(key).shown(terms.values[key])) for key in line.cells],
            }
            for line in matrix.lines
            if terms.values[line.name]
        ],
    }


def _annexes(terms: Terms) -> list[Content]:
    """The sheets that these facts require. The template's own carry their own letters, the others are numbered."""
    written_ = parts.write_annexes(terms.template, ANNEXES, terms.values, _facts(terms), terms.deal)
    own = {annex.key for annex in terms.template.annexes}
    return [
        {
            "key": annex.key,
            "own": annex.key in own,
            "title": _said(annex.title),
            "paragraphs": [_said(p) for p in annex.paragraphs],
        }
        for annex in written_
    ]
