"""How requests reach subgraphs: over HTTP or inside this process, behind one port."""

from router.execution.transports.in_process import InProcessTransport, SubgraphExecutor
from router.execution.transports.port import (
    SubgraphOperation,
    SubgraphRequest,
    SubgraphResponse,
    SubgraphTransport,
)

__all__ = [
    "InProcessTransport",
    "SubgraphExecutor",
    "SubgraphOperation",
    "SubgraphRequest",
    "SubgraphResponse",
    "SubgraphTransport",
]
