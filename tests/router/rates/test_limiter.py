"""Rate limits as clients meet them, whichever way they ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from router.config_file import parse_settings
from router.execution import Engine, EngineSettings
from router.execution.exchange import GraphQLRequest, RequestContext
from router.execution.transports import SubgraphRequest, SubgraphResponse
from router.operations.manifest import Budget, StoredOperation, write_manifest
from router.server.app import RouterApp, create_router_app
from router.server.exchange import CLIENT_ADDRESS, Answer, HttpRequest, Response
from router.server.streams.client import Client
from tests.router.policy.conftest import MakeWorld
from tests.servers import ValkeyForTests

SHOP = """
type Query { a: Int items(first: Int): [Item] @listSize(slicingArguments: ["first"], requireOneSlicingArgument: false) }
type Mutation { userLogin(email: String): Int touch: Int }
type Subscription { ticks: Int }
type Item { x: Int }
"""
LOGIN = "rate_limits: {rules: [{name: login, limit: 3, seconds: 3600, per: ip, fields: [userLogin]}]}\n"
THREE = "rate_limits: {rules: [{name: three, limit: 3, seconds: 3600, per: ip}]}\n"


@pytest.fixture
def make_app(make_world: MakeWorld) -> Callable[..., RouterApp]:
    def make(yaml: str) -> RouterApp:
        supergraph = make_world(SHOP).supergraph

        async def send(request: SubgraphRequest) -> SubgraphResponse:
            return SubgraphResponse(decoded={"data": {"a": 7, "items": [], "userLogin": 1, "touch": 1}})

        transports: Any = {"s0": type("Transport", (), {"send": staticmethod(send)})()}
        engine = Engine(supergraph, transports, EngineSettings(share_requests=False))
        return create_router_app(engine, parse_settings(yaml, environment={}))

    return make


def post(body: Any, address: str = "10.0.0.1", **headers: str) -> HttpRequest:
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    named = {b"content-type": b"application/json", CLIENT_ADDRESS: address.encode(), **given}
    return HttpRequest("POST", "/graphql", b"", named, orjson.dumps(body))


async def ask(
    app: RouterApp, query: str, address: str = "10.0.0.1", **more: Any
) -> tuple[int, Any, dict[bytes, bytes]]:
    return answered(await app.respond(post({"query": query, **more}, address)))


def answered(answer: Answer) -> tuple[int, Any, dict[bytes, bytes]]:
    assert isinstance(answer.response, Response)
    return answer.response.status, orjson.loads(answer.response.body), dict(answer.headers)


async def short(app: RouterApp, query: str) -> tuple[int, Any, dict[bytes, bytes]] | None:
    """Ask the short way; None if the request must go the long way."""
    future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    begun = app.begin(post({"query": query}), future.set_result)
    return None if begun is None else answered(await future)


async def test_too_many_are_answered_with_429_and_when_to_come_again(make_app: Callable[..., RouterApp]) -> None:
    app = make_app(THREE)

    answers = [await ask(app, "{ a }") for _ in range(4)]

    assert [status for status, _, _ in answers] == [200, 200, 200, 429]
    assert answers[0][1] == {"data": {"a": 7}}
    assert answers[3][1] == {
        "errors": [{"message": "Your request has been rate limited", "extensions": {"code": "REQUEST_RATE_LIMITED"}}]
    }
    assert answers[0][2][b"ratelimit-policy"] == b'"three";q=3;w=3600'
    assert answers[0][2][b"ratelimit"] == b'"three";r=2;t=1200'
    assert answers[3][2][b"ratelimit"].startswith(b'"three";r=0;t=')
    assert 1190 <= int(answers[3][2][b"retry-after"]) <= 1200


async def test_others_are_not_concerned(make_app: Callable[..., RouterApp]) -> None:
    app = make_app(THREE)
    for _ in range(4):
        await ask(app, "{ a }")

    assert (await ask(app, "{ a }", "10.0.0.2"))[0] == 200


async def test_the_short_way_counts_too(make_app: Callable[..., RouterApp]) -> None:
    app = make_app(THREE)
    await ask(app, "{ a }")

    answers = [await short(app, "{ a }") for _ in range(3)]

    assert [each and each[0] for each in answers] == [200, 200, 429]
    assert answers[0] is not None
    assert answers[0][2][b"ratelimit"] == b'"three";r=1;t=2400'


async def test_requests_that_share_an_answer_are_counted_each(make_app: Callable[..., RouterApp]) -> None:
    app = make_app(THREE)

    answers = await asyncio.gather(*(ask(app, "{ a }") for _ in range(10)))

    assert sorted(status for status, _, _ in answers) == [200] * 3 + [429] * 7


@pytest.mark.parametrize(
    "query",
    [
        "mutation { a: userLogin b: userLogin c: userLogin d: userLogin }",
        "mutation { ...F ...F } fragment F on Mutation { a: userLogin b: userLogin c: userLogin d: userLogin }",
    ],
)
async def test_aliases_are_no_way_to_try_many_passwords_at_once(make_app: Callable[..., RouterApp], query: str) -> None:
    app = make_app(LOGIN)

    assert (await ask(app, "mutation { userLogin }"))[0] == 200
    assert (await ask(app, query))[0] == 429
    assert (await ask(app, "mutation { touch }"))[0] == 200, "other mutations are not counted"


async def test_batches_are_no_way_either(make_app: Callable[..., RouterApp]) -> None:
    app = make_app(LOGIN + "batching: {enabled: true, limit: 50}")
    batch = [{"query": "mutation ($e: String) { userLogin(email: $e) }", "variables": {"e": str(n)}} for n in range(10)]

    _, body, _ = answered(await app.respond(post(batch)))

    assert [bool(each.get("data")) for each in body] == [True] * 3 + [False] * 7
    assert body[9]["errors"][0]["extensions"]["code"] == "REQUEST_RATE_LIMITED"


async def test_invalid_operations_are_counted(make_app: Callable[..., RouterApp]) -> None:
    app = make_app(THREE)

    assert [(await ask(app, "{ nothing }"))[1]["errors"][0]["extensions"]["code"] for _ in range(4)][2:] == [
        "GRAPHQL_VALIDATION_FAILED",
        "REQUEST_RATE_LIMITED",
    ]


async def test_operations_are_counted_by_name_and_by_cost(make_app: Callable[..., RouterApp]) -> None:
    app = make_app("""
rate_limits:
  rules:
    - {name: named, limit: 1, seconds: 3600, operations: [Costly]}
    - {name: cost, limit: 100, seconds: 3600, cost: true}
""")
    many = "query ($n: Int) { items(first: $n) { x } }"

    assert [(await ask(app, "query Costly { a }"))[0] for _ in range(2)] == [200, 429]
    assert (await ask(app, "query Cheap { a }"))[0] == 200
    assert (await ask(app, many, variables={"n": 60}))[2][b"ratelimit"] == b'"cost";r=40;t=2160'
    assert (await ask(app, many, variables={"n": 60}))[0] == 429


async def test_get_is_counted(make_app: Callable[..., RouterApp]) -> None:
    app = make_app(THREE)
    headers = {CLIENT_ADDRESS: b"10.0.0.1", b"apollo-require-preflight": b"1"}

    answers = [await app.respond(HttpRequest("GET", "/graphql", b"query=%7Ba%7D", headers, b"")) for _ in range(4)]

    assert [each.response.status for each in answers] == [200, 200, 200, 429]


async def test_streams_and_parts_are_counted(make_app: Callable[..., RouterApp]) -> None:
    app = make_app(THREE)
    services = app._streams._services
    client = Client(None, (), b"1", {CLIENT_ADDRESS: b"10.0.0.1"})
    request = GraphQLRequest("{ a ... @defer { again: a } }")
    context = services.context(client)

    assert (await services.executor.execute(GraphQLRequest("{ a }"), context)).status is None
    parts = [each async for each in services.executor.execute_incremental(request, context)]
    assert parts[0].response is not None
    with pytest.raises(Exception, match="protocol"):
        await anext(_events(await services.engine.stream(GraphQLRequest("subscription { ticks }"), context)))
    subscription = await services.subscribe(GraphQLRequest("subscription { ticks }"), client)
    subscription.close()
    with pytest.raises(Exception, match="rate limited"):
        await services.subscribe(GraphQLRequest("subscription { ticks }"), client)
    refused = [each async for each in services.executor.execute_incremental(request, context)]
    assert refused[0].response is not None
    assert refused[0].response.status == 429


def _events(stream: Any) -> AsyncIterator[Any]:
    return stream.open(RequestContext())


async def test_the_explorer_is_no_way_round(make_app: Callable[..., RouterApp]) -> None:
    app = make_app(THREE + "explorer: {enabled: true}")
    plan, run = ("/explorer/plan", "/explorer/run")

    async def look(path: str) -> tuple[int, Any, dict[bytes, bytes]]:
        return answered(await app.respond(post({"query": "{ a }"})._replace(path=path)))

    answers = [await look(path) for path in (plan, run)] + [await ask(app, "{ a }"), await look(run), await look(plan)]

    assert [status for status, _, _ in answers] == [200, 200, 200, 429, 429]
    assert answers[1][1]["data"] == {"a": 7}
    assert answers[1][1]["extensions"], "the notes are there"
    assert answers[1][2][b"ratelimit"].startswith(b'"three";r=1;')


async def test_rest_routes_are_counted(make_app: Callable[..., RouterApp], tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text(
        "title: T\nversion: '1'\nroutes:\n- route: GET /numbers\n  summary: N\n  answer: a\n"
        "  operation: 'query N { a }'\n"
    )
    app = make_app(THREE + f"rest: {{routes: '{tmp_path}/routes.yaml'}}")
    headers = {CLIENT_ADDRESS: b"10.0.0.1"}

    answers = [await app.respond(HttpRequest("GET", "/numbers", b"", headers, b"")) for _ in range(4)]

    assert [each.response.status for each in answers] == [200, 200, 200, 429]


async def test_published_operations_have_budgets_of_their_own(
    make_app: Callable[..., RouterApp], tmp_path: Path
) -> None:
    stored = StoredOperation("x", "query X { a }", "X", budget=Budget(requests=2, seconds=3600))
    write_manifest(tmp_path / "all-clients.json", [stored])
    app = make_app(f"persisted_operations: {{path: '{tmp_path}'}}")
    by_id = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}

    assert [answered(await app.respond(post(by_id)))[0] for _ in range(3)] == [200, 200, 429]
    assert (await ask(app, "{ a }"))[0] == 200


async def test_proxies_that_are_trusted_tell_the_address(make_app: Callable[..., RouterApp]) -> None:
    app = make_app(THREE + "headers: {trusted_proxies: ['10.0.0.1']}")

    statuses = [
        answered(await app.respond(post({"query": "{ a }"}, x_forwarded_for=f"6.6.6.{n}, 1.2.3.4")))[0]
        for n in range(4)
    ]
    untrusted = [
        answered(await app.respond(post({"query": "{ a }"}, "9.9.9.9", x_forwarded_for=f"1.1.1.{n}")))[0]
        for n in range(4)
    ]

    assert statuses == untrusted == [200, 200, 200, 429], "what a client says of its own way is not believed"


async def test_redis_counts_for_all_routers(make_app: Callable[..., RouterApp], valkey: ValkeyForTests) -> None:
    rule = "{name: r, limit: 30, seconds: 36000}"
    shared = f"rate_limits: {{redis: '{valkey.url}', prefix: 'limiter:', timeout: 10, rules: [{rule}]}}"
    apps = [make_app(shared) for _ in range(3)]

    answers = await asyncio.gather(*(ask(apps[n % 3], f"{{ a a{n}: a }}") for n in range(60)))
    late = await short(apps[0], "{ a a0: a }")

    assert sum(status == 200 for status, _, _ in answers) == 30
    assert late is not None
    assert late[0] == 429
    for app in apps:
        await app.aclose()


async def test_closed_without_redis(make_app: Callable[..., RouterApp]) -> None:
    app = make_app("rate_limits: {redis: 'redis://127.0.0.1:1', away: closed, rules: [{name: r, limit: 1}]}")

    status, body, _ = await ask(app, "{ a }")

    assert (status, body["errors"][0]["extensions"]["code"]) == (503, "RATE_LIMITS_UNAVAILABLE")
    await app.aclose()


async def test_a_client_that_leaves_meanwhile(make_app: Callable[..., RouterApp], valkey: ValkeyForTests) -> None:
    app = make_app(f"rate_limits: {{redis: '{valkey.url}', rules: [{{name: r, limit: 10}}]}}")
    await ask(app, "{ a }")
    told: list[Answer] = []

    begun = app.begin(post({"query": "{ a }"}), told.append)
    assert begun is not None
    begun.cancel()

    assert (await ask(app, "{ a }"))[0] == 200
    assert not told
    await app.aclose()
