"""How payments, their events and the ledger are kept."""
