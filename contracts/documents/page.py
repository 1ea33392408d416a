"""The contract as a page: the same sheet as the PDF, with the courtesy translation for readers of English."""

from __future__ import annotations

from flask import render_template

from contracts.documents.content import Content
from contracts.documents.sheets import Evidence, sheet


def html(content: Content, evidence: Evidence) -> str:
    """The document page."""
    return render_template("contracts/document.html", sheet=sheet(content, evidence), content=content)
