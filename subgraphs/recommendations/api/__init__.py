"""The GraphQL schema of the recommendations subgraph."""
