"""Who may do what: the identity of callers, and how the subgraphs learn of it."""
