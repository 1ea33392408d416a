"""The JSON doors of listings, holders' storage places and wants."""

from listings.api import listings, places, wants

blueprints = (listings.door, places.door, wants.door)
