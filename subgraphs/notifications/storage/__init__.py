"""Messages with their delivery state, and what must be known of people and orders to write them."""
