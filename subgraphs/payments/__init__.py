"""Payments through a provider, and the ledger that accounts for them."""
