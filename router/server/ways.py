"""The ways to the subgraphs as the engine uses them: what leads there, what looks at it, and what spares it."""

from __future__ import annotations

from collections.abc import Mapping

from router.cache.hints import Ages, Hints
from router.cache.store import Store
from router.cache.transport import CachingTransport
from router.execution.transports.port import SubgraphTransport, sender
from router.supergraph import Supergraph
from router.telemetry.fetches import SeenTransport
from router.telemetry.redaction import RedactingTransport
from router.telemetry.sight import UNSEEN, Sight

Transports = Mapping[str, SubgraphTransport]


def seen(transports: Transports, sight: Sight = UNSEEN) -> Transports:
    """Return transports that are looked at, if anything is."""
    if not sight:
        return transports
    return {name: SeenTransport(sender(each), name, sight) for name, each in transports.items()}


def redacted(transports: Transports) -> Transports:
    """Return transports that let no error through which was not written for clients."""
    return {name: RedactingTransport(sender(each), name) for name, each in transports.items()}


def cached(transports: Transports, supergraph: Supergraph, store: Store | None) -> Transports:
    """Return transports that are only used for what is not known, where there is a cache."""
    if store is None:
        return transports
    hints, root = Hints(supergraph), supergraph.roots.get("query", "Query")
    found = dict(transports)
    for name, transport in transports.items():
        settings = store.settings.subgraphs.get(name, store.settings.everywhere)
        if settings.enabled:
            found[name] = CachingTransport(sender(transport), Ages(hints, name, settings), root, store)
    return found
