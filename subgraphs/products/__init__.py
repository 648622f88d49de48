"""The catalogue: products, variants, categories, prices, promotions and finding them."""
