"""Who asks, as far as that may vary an answer."""

from __future__ import annotations

from typing import Final, NamedTuple

import orjson

from router.execution.transports.port import SubgraphRequest
from router.policy.identity import Identity

_PUBLIC: Final = frozenset({"anonymous", "customer"})
"""Who sees the same of what is public; others, such as vendors, may see drafts of their own."""


class Asker(NamedTuple):
    """Two askers of one audience get the same public answers; the same owner gets the same private ones too."""

    audience: bytes
    owner: bytes | None


def asker_of(request: SubgraphRequest) -> Asker:
    """Return who asks.

    What is public may still depend on what somebody may see, and on the client's headers that are passed on: that is
    the audience. The router's own token for the subgraph says nothing that is not known of the caller anyway.
    """
    headers = [pair for pair in request.headers if pair[0] != "authorization"]
    caller = request.value
    if isinstance(caller, Identity):
        own = None if caller.kind in _PUBLIC else caller.id
        facts = [caller.kind, sorted(caller.roles), sorted(caller.scopes), own, headers]
        owner = None if caller.id is None else orjson.dumps([caller.id, facts])
        return Asker(orjson.dumps(facts), owner)
    token = next((value for name, value in request.headers if name == "authorization"), None)
    told = repr(request.identity) if request.identity is not None else token
    return Asker(orjson.dumps(headers), None if told is None else orjson.dumps([told, headers]))
