"""Rules of payments: states, amounts derived from events, and the double-entry ledger."""
