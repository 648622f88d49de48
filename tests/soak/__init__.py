"""Events under fire: many of them, while everything that carries them is killed and started again."""
