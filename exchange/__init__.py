"""Ground floor: what every chapter stands on, and nothing that knows a listing from an invoice."""
