"""The rules of accounts, sessions and address books; pure values and functions."""
