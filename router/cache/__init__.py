"""The cache of what subgraphs have answered: entities one by one, root fields as a whole.

It stands between the engine and the way to a subgraph, so that everything above it, such as merging and null rules, is
the same for what was fetched and what was kept.
"""
