"""How much one request may ask for: the size of its document and its variables, and what it will cost."""
