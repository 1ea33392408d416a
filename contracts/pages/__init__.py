"""The pages of templates, offers and contracts, and what they show on lower pages."""

from flask import Blueprint

from contracts.pages import applying, deals, elsewhere, offers, reviews, templates, verifying

blueprints: tuple[Blueprint, ...] = (
    templates.blueprint,
    offers.blueprint,
    applying.blueprint,
    deals.blueprint,
    reviews.blueprint,
    verifying.blueprint,
)
show_elsewhere = elsewhere.show
