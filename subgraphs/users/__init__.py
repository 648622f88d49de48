"""Accounts, sessions and address books: who somebody is."""
