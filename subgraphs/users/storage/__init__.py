"""What the users subgraph keeps in PostgreSQL, Redis and its key file."""
