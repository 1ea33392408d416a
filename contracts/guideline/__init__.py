"""The standard templates, one file each. A template is listed here once it works in full, and not before.

To add one: a module with its `Template`, and its place in `TEMPLATES`. A changed text is a new version; contracts keep
the words they were concluded with, because each round stores them.
"""

from __future__ import annotations

from contracts.guideline import (
    checklist,
    co_creation,
    open_terms,
    platform_participation,
    provision_assignment,
    provision_joint,
    provision_licence,
    short_form,
)
from contracts.guideline.parts import Template
from exchange.errors import Invalid, NotFound, text

__all__ = ["TEMPLATES", "checklist", "offered", "template"]

TEMPLATES: dict[str, Template] = {
    t.key: t
    for t in (
        provision_licence.TEMPLATE,
        provision_assignment.TEMPLATE,
        provision_joint.TEMPLATE,
        co_creation.TEMPLATE,
        short_form.TEMPLATE,
        platform_participation.TEMPLATE,
        *open_terms.TEMPLATES,
    )
}


def template(key: str) -> Template:
    """The template of that key; raises `NotFound`."""
    if key not in TEMPLATES:
        raise NotFound(text("このひな型はありません。"))
    return TEMPLATES[key]


def offered(key: object, *, field: str = "template", version: str | None = None) -> Template:
    """The template an offer names, in the version in force; raises `Invalid` that names those there are."""
    if not isinstance(key, str) or key not in TEMPLATES or not TEMPLATES[key].is_offered:
        available = ", ".join(key for key, found in TEMPLATES.items() if found.is_offered)
        words = text("「%(key)s」というひな型は使えません。使えるひな型：%(available)s", key=key, available=available)
        raise Invalid({field: [words]})
    if version not in (None, TEMPLATES[key].version):
        words = text(
            "第%(version)s版は使えません。使える版：%(available)s", version=version, available=TEMPLATES[key].version
        )
        raise Invalid({"template_version": [words]})
    return TEMPLATES[key]
