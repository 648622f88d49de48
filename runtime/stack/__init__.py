"""The real stack: the servers that the shop needs in services mode, and the shop as processes of its own."""
