"""Messages to people: rendered from events, delivered once, kept in an inbox."""
