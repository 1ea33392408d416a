"""The pages of templates, offers and contracts, and what they show on lower pages."""

from flask import Blueprint

from contracts.pages import (
    applying,
    deals,
    deeds,
    elsewhere,
    interests,
    offers,
    policy,
    reviews,
    templates,
    verifying,
    versions,
    wizard,
)

blueprints: tuple[Blueprint, ...] = (
    templates.blueprint,
    offers.blueprint,
    wizard.blueprint,
    applying.blueprint,
    policy.blueprint,
    deals.blueprint,
    deeds.blueprint,
    versions.blueprint,
    reviews.blueprint,
    interests.blueprint,
    verifying.blueprint,
)
show_elsewhere = elsewhere.show
