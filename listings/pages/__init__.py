"""The pages of listings and wants, and what they put on the desk."""

from flask import Blueprint

from listings.pages import catalogue, desk, entries, files, home, needs, places, reviews

blueprints: tuple[Blueprint, ...] = (
    home.blueprint,
    catalogue.blueprint,
    desk.blueprint,
    files.blueprint,
    places.blueprint,
    reviews.blueprint,
    needs.blueprint,
)
register_on_desk = entries.register
