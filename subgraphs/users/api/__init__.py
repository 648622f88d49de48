"""The GraphQL schema of the users subgraph."""
