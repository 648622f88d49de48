"""Products in files, to and fro: Shopify's CSV and JSON Lines, read in portions of any size."""
