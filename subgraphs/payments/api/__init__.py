"""The GraphQL schema of payments."""
