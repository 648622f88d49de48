"""A way to a subgraph that answers when, and what, the test says."""

from __future__ import annotations

from typing import Literal

from router.execution.transports.port import SubgraphOperation, SubgraphRequest, SubgraphResponse

GOOD = SubgraphResponse(body=b'{"data":{"a":1}}')


def asking(kind: Literal["query", "mutation"] = "query", timeout: float = 5.0) -> SubgraphRequest:
    return SubgraphRequest(SubgraphOperation("shop", kind, "{ a }", None), {}, timeout=timeout)


class Subgraph:
    """Keeps what it is sent; `answer` answers the oldest request that has no answer."""

    def __init__(self):
        self.requests = []
        self.open = []
        self.cancelled = 0
        self.raises = None

    def send(self, request, done):
        self.requests.append(request)
        if self.raises is not None:
            raise self.raises
        call = _Call(self, done)
        self.open.append(call)
        return call

    def answer(self, result=GOOD, which=0):
        self.open.pop(which).done(result)


class _Call:
    def __init__(self, subgraph, done):
        self.subgraph = subgraph
        self.done = done

    def cancel(self):
        self.subgraph.open.remove(self)
        self.subgraph.cancelled += 1


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


class Watcher:
    """Writes down what it hears."""

    def __init__(self):
        self.heard = []

    def breaker_turned(self, subgraph, state):
        self.heard.append((subgraph, state))

    def refused(self, subgraph, why):
        self.heard.append((subgraph, why))

    def retried(self, subgraph):
        self.heard.append((subgraph, "retried"))

    def hedged(self, subgraph):
        self.heard.append((subgraph, "hedged"))
