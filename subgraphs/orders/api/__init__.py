"""The GraphQL schema of carts, checkouts and orders."""
