"""Which message follows from which event, and when its delivery is tried again."""
