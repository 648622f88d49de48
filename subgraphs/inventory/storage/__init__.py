"""Stock in PostgreSQL: the ledger, the levels that follow it, and what is promised to whom."""
