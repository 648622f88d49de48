"""Operations known beforehand: those that clients published, and those that the router remembers by their digest."""
