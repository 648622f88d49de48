"""A REST API over the graph: routes that a file declares, each answered by one operation."""
