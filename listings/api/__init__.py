"""The JSON doors of listings and wants."""

from listings.api import listings, wants

blueprints = (listings.door, wants.door)
