"""The catalogue in PostgreSQL: tables, repositories and the search that they answer."""
