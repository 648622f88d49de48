"""The supergraph: join specification to typed model, and the schema that clients see."""

from router.supergraph.errors import (
    InconsistentSupergraphError,
    NotASupergraphError,
    SupergraphError,
    SupergraphSyntaxError,
    UnsupportedSpecError,
)
from router.supergraph.model import (
    ContextArgument,
    Field,
    FieldInSubgraph,
    Key,
    Supergraph,
    Type,
    TypeInSubgraph,
    TypeKind,
)
from router.supergraph.reading import load_supergraph

__all__ = [
    "ContextArgument",
    "Field",
    "FieldInSubgraph",
    "InconsistentSupergraphError",
    "Key",
    "NotASupergraphError",
    "Supergraph",
    "SupergraphError",
    "SupergraphSyntaxError",
    "Type",
    "TypeInSubgraph",
    "TypeKind",
    "UnsupportedSpecError",
    "load_supergraph",
]
