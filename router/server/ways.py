"""The ways to the subgraphs as the engine uses them: what leads there, and what looks at it."""

from __future__ import annotations

from collections.abc import Mapping

from router.execution.transports.port import SubgraphTransport, sender
from router.telemetry.fetches import SeenTransport
from router.telemetry.sight import Sight


def ways_to(transports: Mapping[str, SubgraphTransport], sight: Sight) -> Mapping[str, SubgraphTransport]:
    """Return transports with everything around them that is asked for."""
    if not sight:
        return transports
    return {name: SeenTransport(sender(each), name, sight) for name, each in transports.items()}
