"""The GraphQL schema of shipping."""
