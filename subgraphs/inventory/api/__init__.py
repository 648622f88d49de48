"""The GraphQL schema of stock."""
