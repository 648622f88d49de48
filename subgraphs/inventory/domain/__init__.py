"""The rules of stock: what a movement does, what can be promised, from where it is taken."""
