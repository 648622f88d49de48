"""The GraphQL schema of the notifications subgraph."""
