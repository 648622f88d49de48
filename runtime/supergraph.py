"""How the shop's subgraphs ask the whole API on behalf of a person: the engine beside them, or the router over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import jwt
import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestError

from kernel.clock import SystemClock
from kernel.settings import Settings
from kernel.supergraph import Answer, Person, SupergraphUnavailableError
from router.execution.engine import Engine
from router.execution.exchange import GraphQLRequest, RequestContext
from router.policy.identity import Identity, kind_of
from subgraphs.users.app import signing_keys
from subgraphs.users.domain.roles import Role, scopes_of
from subgraphs.users.service.tokens import AUDIENCE, ISSUER
from subgraphs.users.settings import UsersSettings

_LIFETIME: Final = 60


class EngineBeside:
    """Asks the engine in the same process, once there is one."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def connect(self, engine: Engine) -> None:
        """Ask this engine from now on."""
        self._engine = engine

    async def execute(
        self, document: str, variables: Mapping[str, Any], *, asker: Person, deadline: float = 10.0
    ) -> Answer:
        """Run a document as a person."""
        if self._engine is None:
            raise SupergraphUnavailableError("The router is not up yet.")
        identity = Identity(
            id=asker.id,
            kind=kind_of(asker.roles),
            roles=asker.roles,
            scopes=_scopes(asker),
            email=asker.email,
        )
        context = RequestContext(identity=identity.facts, value=identity)
        try:
            async with asyncio.timeout(deadline):
                response = await self._engine.execute(GraphQLRequest(document, variables), context)
        except TimeoutError:
            raise SupergraphUnavailableError(f"No answer within {deadline:g} s.") from None
        return Answer(response.data, response.errors)


class RouterOverHttp:
    """Asks the router at a URL, with an access token signed for the person."""

    def __init__(self, url: str, token: Callable[[Person], str]) -> None:
        self._url = url
        self._token = token
        self._client: Client | None = None

    async def execute(
        self, document: str, variables: Mapping[str, Any], *, asker: Person, deadline: float = 10.0
    ) -> Answer:
        """Run a document as a person."""
        if self._client is None:
            self._client = ClientBuilder().no_proxy().error_for_status(enable=False).build()
        body = orjson.dumps({"query": document, "variables": dict(variables)})
        request = (
            self._client.post(self._url)
            .bearer_auth(self._token(asker))
            .header("content-type", "application/json")
            .timeout(timedelta(seconds=deadline))
            .body_bytes(body)
            .build()
        )
        try:
            response = await request.send()
            answer = orjson.loads(bytes(await response.bytes()))
            return Answer(answer.get("data"), answer.get("errors") or ())
        except (RequestError, orjson.JSONDecodeError, AttributeError) as error:
            raise SupergraphUnavailableError(f"The router gave no answer: {type(error).__name__}.") from error


def token_maker(settings: Settings) -> Callable[[Person], str]:
    """Give what signs access tokens of a minute, as the users subgraph would."""
    keys, clock = signing_keys(settings, UsersSettings.load()), SystemClock()

    def sign(person: Person) -> str:
        key, now = keys.signing(clock.now()), int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": person.id,
            "iat": now,
            "exp": now + _LIFETIME,
            "jti": uuid4().hex,
            "amr": ["delegated"],
            "email": person.email,
            "roles": sorted(person.roles),
            "scopes": sorted(_scopes(person)),
        }
        return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": key.kid, "typ": "at+jwt"})

    return sign


def _scopes(person: Person) -> frozenset[str]:
    known = {role.value for role in Role}
    return scopes_of(Role(name) for name in person.roles if name in known)
