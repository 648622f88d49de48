"""Satisfiability: every query that clients can write against the supergraph can be answered by the subgraphs.

:mod:`graph` is what the subgraphs offer, :mod:`moves` how one gets through it, :mod:`traversal` visits all that
clients can ask; :mod:`witness` and :mod:`explanation` word a failure.
"""

from router.composition.satisfiability.traversal import check_satisfiability

__all__ = ["check_satisfiability"]
