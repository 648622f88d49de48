"""The GraphQL schema of the catalogue."""
