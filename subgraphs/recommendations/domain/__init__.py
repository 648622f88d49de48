"""How confirmed orders become recommendations."""
