"""The schema definition language as the router reads, holds and prints it.

graphql-core parses; everything after that works on the small model of :mod:`router.sdl.model`, because composition has
to hold schemas that graphql-core's own type system refuses (a type that is only extended, a directive that is only
linked) and has to know for every element in which subgraph, line and column it was written.
"""
