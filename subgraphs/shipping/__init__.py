"""Shipping methods, rates and the shipments of orders."""
