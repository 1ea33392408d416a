"""What is owed, paid and paid out: the ledger, invoices, money in, money out, months closed."""
