"""The doors of the ground floor, and what every door of the house shares: access, forms, API, slots, desk."""
