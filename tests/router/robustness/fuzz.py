"""Fuzzing from the text of a request to its answer, for as long as one likes.

    python -m tests.router.robustness.fuzz [--seconds 600] [--seed 0]

Four targets, in turns: documents that were valid before something happened to them; good operations whose subgraphs
answer anything at all; the same with parts of them deferred and lists streamed; bytes that came as a request.
Hypothesis makes a failing example small before it is shown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from router.execution import Engine, GraphQLRequest, GraphQLResponse
from router.execution.transports import SubgraphRequest, SubgraphResponse
from router.server.app import create_router_app
from tests.router.differential.deferring import Merging, deferring, streaming
from tests.router.differential.operations import make_operation
from tests.router.differential.world import SCHEMAS, world
from tests.router.robustness.conformity import BrokenPromiseError, assess

WORLDS = tuple(sorted(path.name for path in SCHEMAS.iterdir()))
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|\.\.\.|[$@]?\w+|\S')
PIECES = (
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ":",
    "!",
    "...",
    "on",
    "$v0",
    "@skip(if: true)",
    "@include(if: $v0)",
    "@defer",
    "@stream(initialCount: 1)",
    "__typename",
    "id",
    "1",
    "null",
    "fragment",
    "query",
    "mutation",
    "...F0",
    '"',
    "\x00",
    "é",
    "\ud7ff",
    "&",
    "|",
)
SECONDS_FOR_ONE = 10.0

Json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["id", "__typename", "Query"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


# Documents ------------------------------------------------------------------------------------------------------------


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """Draw a world, a document that was valid in it until some tokens were changed, and variables."""
    name = draw(st.sampled_from(WORLDS))
    text, variables = make_operation(world(name).supergraph.api_schema, draw(st.integers(0, 100_000)))
    tokens = TOKENS.findall(text)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(tokens) - 1)) if tokens else 0
        change = draw(st.sampled_from(("drop", "double", "swap", "put", "move", "repeat")))
        changed(tokens, at, change, draw(st.sampled_from(PIECES)), draw(st.integers(0, max(len(tokens) - 1, 0))))
    given_variables = (
        variables if draw(st.booleans()) else draw(st.dictionaries(st.sampled_from(["v0", "v1", "x"]), Json))
    )
    return name, " ".join(tokens), given_variables


def changed(tokens: list[str], at: int, change: str, piece: str, other: int) -> None:
    """Do something to a list of tokens."""
    if change == "put" or not tokens:
        tokens.insert(at, piece)
    elif change == "drop":
        del tokens[at]
    elif change == "double":
        tokens.insert(at, tokens[at])
    elif change == "swap":
        tokens[at], tokens[other] = tokens[other], tokens[at]
    elif change == "move":
        tokens.insert(other, tokens.pop(at))
    else:
        tokens[at:at] = tokens[min(at, other) : max(at, other) + 1]


async def try_document(case: tuple[str, str, dict[str, Any]]) -> None:
    """A changed document is refused with a code, or answered like any other."""
    name, text, variables = case
    response = await timed(world(name).engine, text, variables)
    assess(world(name).supergraph.api_schema, text, variables, response)


# Answers --------------------------------------------------------------------------------------------------------------


class Unreliable:
    """Subgraphs that answer rightly until something happens to the answer."""

    def __init__(self, name: str, number: int) -> None:
        self._world = world(name)
        self._random = random.Random(number)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Answer, more or less."""
        operation = request.operation
        answer = self._world.send(operation.subgraph, operation.document, dict(request.variables))
        if self._random.random() < 0.6:
            answer = self._spoil(answer)
        return SubgraphResponse(self._random.choice([200, 200, 200, 500]), body=json.dumps(answer).encode())

    def _spoil(self, value: Any) -> Any:
        chance = self._random.random()
        if chance < 0.06:
            return self._random.choice(
                [None, 1, "x", [], {}, [None], {"__typename": "Query"}, True, -1.5, [[]], 10**30]
            )
        if isinstance(value, dict):
            items = list(value.items())
            if items and chance < 0.15:
                items.pop(self._random.randrange(len(items)))
            return {key: self._spoil(each) for key, each in items}
        if isinstance(value, list):
            if value and chance < 0.2:
                value = value[:-1] if chance < 0.15 else [*value, value[0]]
            return [self._spoil(each) for each in value]
        return value


async def try_answers(case: tuple[str, int, int]) -> None:
    """A good operation gets data of the schema's shape, and errors wherever that took some nulls."""
    name, operation, number = case
    tried = world(name)
    unreliable = Unreliable(name, number)
    text, variables = make_operation(tried.supergraph.api_schema, operation)
    tried.universe.labels = frozenset()
    engine = Engine(tried.supergraph, dict.fromkeys(tried.subgraphs, unreliable), planner=tried.planner)
    response = await timed(engine, text, variables)
    assess(tried.supergraph.api_schema, text, variables, response)


async def try_parts(case: tuple[str, int, int]) -> None:
    """The same where parts of the operation come later: what comes keeps to the protocol, and to an end."""
    name, operation, number = case
    tried = world(name)
    text, variables = make_operation(tried.supergraph.api_schema, operation)
    tried.universe.labels = frozenset()
    unreliable = dict.fromkeys(tried.subgraphs, Unreliable(name, number))
    engine = Engine(tried.supergraph, unreliable, planner=tried.planner)
    text = deferring(streaming(tried.supergraph.api_schema, text, number), number)
    merging = Merging()
    async with asyncio.timeout(SECONDS_FOR_ONE * 6):
        async for payload in engine.execute_incremental(GraphQLRequest(text, variables)):
            merging.take(json.loads(json.dumps(payload.as_dict())))
    if not merging.is_over or any(error["message"] == "Internal error" for error in merging.errors):
        raise BrokenPromiseError(f"{merging.errors} {text}")


# Requests -------------------------------------------------------------------------------------------------------------

Bodies = st.one_of(
    st.binary(max_size=60),
    Json.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {
            "query": st.one_of(
                Json, st.sampled_from(["{ __typename }", "query A { __typename } query B { __typename }"])
            )
        },
        optional={"variables": Json, "operationName": Json, "extensions": Json, "id": Json},
    ).map(lambda value: json.dumps(value).encode()),
)
HeaderLists = st.lists(
    st.tuples(
        st.sampled_from([b"accept", b"content-type", b"origin", b"authorization", b"x-request-id", b"traceparent"]),
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from([b"application/json", b"*/*", b"application/graphql-response+json; q=0.5, text/html"]),
        ),
    ),
    max_size=4,
)


async def try_request(case: tuple[str, bytes, list[tuple[bytes, bytes]], bytes]) -> None:
    """Bytes get an HTTP answer that is not the router's own fault, and in JSON unless it is a page."""
    method, body, headers, query_string = case
    app = create_router_app(world("abstract").engine)
    sent: list[Any] = []
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        return next(messages, None) or await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": "/graphql",
        "headers": headers,
        "query_string": query_string,
        "raw_path": b"/graphql",
        "http_version": "1.1",
        "scheme": "http",
    }
    await asyncio.wait_for(app(scope, receive, send), SECONDS_FOR_ONE)
    if sent[0]["status"] >= 500:
        raise BrokenPromiseError(f"{sent[0]['status']} {sent[1:]}")
    answer = b"".join(message.get("body", b"") for message in sent[1:])
    media = dict(sent[0]["headers"]).get(b"content-type", b"")
    if answer and b"json" in media:
        json.loads(answer)


Requests = st.tuples(
    st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "OPTIONS", "HEAD"]),
    Bodies,
    HeaderLists,
    st.binary(max_size=30),
)


async def timed(engine: Engine, text: str, variables: Mapping[str, Any]) -> GraphQLResponse:
    """Execute, within a time."""
    begin = time.process_time()
    response = await asyncio.wait_for(engine.execute(GraphQLRequest(text, variables)), SECONDS_FOR_ONE * 6)
    if time.process_time() - begin > SECONDS_FOR_ONE:
        raise BrokenPromiseError(f"took {time.process_time() - begin:.1f} s")
    return response


# Running --------------------------------------------------------------------------------------------------------------

Answers = st.tuples(st.sampled_from(WORLDS), st.integers(0, 5_000), st.integers(0, 2**32))
TARGETS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "documents": (documents(), try_document),
    "answers": (Answers, try_answers),
    "parts": (Answers, try_parts),
    "requests": (Requests, try_request),
}


def fuzz(target: str, number: int, examples: int) -> int:
    """Try some examples of a target; the seed makes them."""
    strategy, attempt = TARGETS[target]
    count = 0
    loop = asyncio.new_event_loop()

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(strategy)
    def examine(case: Any) -> None:
        nonlocal count
        count += 1
        loop.run_until_complete(attempt(case))

    try:
        examine()
    finally:
        loop.close()
    return count


def main() -> int:
    """Fuzz for a while; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=TARGETS)
    options = parser.parse_args()
    end, number, tried = time.monotonic() + options.seconds, options.seed, 0
    while time.monotonic() < end:
        for target in [options.target] if options.target else TARGETS:
            try:
                tried += fuzz(target, number, 100)
            except Exception as error:
                print(
                    f"{target}, seed {number}: {type(error).__name__}: {error}",
                    *getattr(error, "__notes__", ()),
                    sep="\n",
                )
                return 1
        number += 1
    print(f"{tried} examples in {options.seconds:g} s, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
