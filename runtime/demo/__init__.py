"""A buyer's journey through the HTTP endpoint, as a client would make it."""
