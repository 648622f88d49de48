"""What can be wrong with a supergraph.

SupergraphError
├── SupergraphSyntaxError        the text is not GraphQL
├── NotASupergraphError          GraphQL, but without the join specification
├── UnsupportedSpecError         a specification that must be understood to serve the supergraph, and is not
└── InconsistentSupergraphError  the parts contradict each other
"""

from __future__ import annotations


class SupergraphError(Exception):
    """A supergraph cannot be loaded."""


class SupergraphSyntaxError(SupergraphError):
    """The text is not GraphQL."""


class NotASupergraphError(SupergraphError):
    """The document does not say which subgraphs it was joined from."""


class UnsupportedSpecError(SupergraphError):
    """The supergraph needs a specification that this router does not know."""


class InconsistentSupergraphError(SupergraphError):
    """A part of the supergraph names what is not there, or cannot be read."""
