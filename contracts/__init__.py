"""What was agreed: offers, contracts from request to end, the terms they stand on, and the document that says so."""
