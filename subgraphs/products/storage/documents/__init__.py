"""Where documents of products are: in PostgreSQL, or in anything that speaks the protocol of MongoDB."""
