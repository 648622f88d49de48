"""How methods, rates and shipments are kept."""
