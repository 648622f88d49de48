"""Carts, checkouts and orders, and the saga that turns the one into the other."""
