"""Rules of shipping: zones and rates, shipments and their life, the carrier port."""
