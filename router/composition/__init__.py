"""Composition: the schemas of subgraphs in, the schema of the supergraph out.

from router.composition import Subgraph, compose

result = compose([Subgraph("products", sdl, "http://products/graphql"), ...])
match result:
    case Composed(supergraph_sdl=sdl): ...
    case errors: ...
"""

from router.composition.composer import Composed, compose
from router.composition.config import Config, read_config
from router.composition.errors import ComposeFailure, CompositionError, ConfigError, Hint, Location, SchemaReadError
from router.composition.hint_codes import Level
from router.composition.sources import load_subgraphs
from router.composition.subgraph import Subgraph

__all__ = [
    "ComposeFailure",
    "Composed",
    "CompositionError",
    "Config",
    "ConfigError",
    "Hint",
    "Level",
    "Location",
    "SchemaReadError",
    "Subgraph",
    "compose",
    "load_subgraphs",
    "read_config",
]
