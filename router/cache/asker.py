"""Who asks, as far as that may vary an answer."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Final, NamedTuple

import orjson

from router.execution.exchange import Headers
from router.execution.transports.port import SubgraphRequest
from router.policy.identity import Identity

_REMEMBERED: Final = 4_096
_PUBLIC: Final = frozenset({"anonymous", "customer"})
"""Who sees the same of what is public; others, such as vendors, may see drafts of their own."""


class Asker(NamedTuple):
    """Two askers of one audience get the same public answers; the same owner gets the same private ones too."""

    audience: bytes
    owner: bytes | None


def asker_of(request: SubgraphRequest) -> Asker:
    """Return who asks."""
    caller = request.value
    return _asker(caller if isinstance(caller, Identity) else None, request.identity, request.headers)


@lru_cache(_REMEMBERED)
def _asker(caller: Identity | None, identity: Hashable, given: Headers) -> Asker:
    """Tell who asks.

    What is public may still depend on what somebody may see, and on the client's headers that are passed on: that is
    the audience. The router's own token for the subgraph says nothing that is not known of the caller anyway.
    """
    headers = [pair for pair in given if pair[0] != "authorization"]
    if caller is not None:
        own = None if caller.kind in _PUBLIC else caller.id
        facts = [caller.kind, sorted(caller.roles), sorted(caller.scopes), own, headers]
        owner = None if caller.id is None else orjson.dumps([caller.id, facts])
        return Asker(orjson.dumps(facts), owner)
    token = next((value for name, value in given if name == "authorization"), None)
    told = repr(identity) if identity is not None else token
    return Asker(orjson.dumps(headers), None if told is None else orjson.dumps([told, headers]))
