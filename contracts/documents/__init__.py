"""The document of a contract from one source: canonical content with its SHA-256, page, PDF, ODRL."""
