"""The shop's subgraphs: each a room of its own that knows the kernel and none of the others."""
