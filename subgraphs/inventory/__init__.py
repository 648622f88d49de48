"""Stock: an append-only ledger per SKU and warehouse, reservations, allocations and what can be bought."""
