"""The users subgraph put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kernel.clock import SystemClock
from kernel.graphql import Context
from kernel.identity import Caller
from kernel.jobs import Job
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.users.api.context import UsersContext, UsersLoaders
from subgraphs.users.api.schema import SCHEMA
from subgraphs.users.service import UsersService
from subgraphs.users.service.accounts import Accounts
from subgraphs.users.service.address_book import AddressBook
from subgraphs.users.service.passwords import PasswordHasher
from subgraphs.users.service.sessions import Sessions
from subgraphs.users.service.tokens import AccessTokens
from subgraphs.users.settings import UsersSettings
from subgraphs.users.storage.keys import KeySource
from subgraphs.users.storage.throttle import LoginThrottle

NAME: Final = "users"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
_HOURLY: Final = 3600.0
_KEY_SET_CACHE: Final = {"cache-control": "public, max-age=300"}


def build(settings: Settings, parts: Parts, own: UsersSettings | None = None) -> Subgraph:
    """Put the subgraph together; `own` stands in for the settings of the environment."""
    own = own or UsersSettings.load()
    redis = Redis.from_url(settings.redis_url or "redis://localhost:6379")
    hasher = PasswordHasher(rounds=own.bcrypt_rounds, threads=own.password_threads)
    tokens = AccessTokens(_keys(settings, own), own.access_token_lifetime, parts.clock)
    service = UsersService(
        accounts=Accounts(database=parts.database, hasher=hasher, clock=parts.clock),
        sessions=Sessions(
            database=parts.database,
            hasher=hasher,
            throttle=LoginThrottle(redis, own.lockout_policy()),
            tokens=tokens,
            clock=parts.clock,
            rules=own.session_rules(),
        ),
        address_book=AddressBook(parts.database),
    )

    def make_context(caller: Caller) -> UsersContext:
        return Context(caller=caller, service=service, loaders=UsersLoaders.of(service))

    async def close() -> None:
        hasher.close()
        await redis.aclose()

    return Subgraph(
        name=NAME,
        schema=SCHEMA,
        make_context=make_context,
        database=parts.database,
        migrations=MIGRATIONS,
        jobs=(Job(name="users.forget-sessions", run=service.sessions.forget_expired, every=_HOURLY),),
        routes=(_key_set_route(tokens),),
        on_close=(close,),
    )


def key_set(settings: Settings, own: UsersSettings | None = None) -> dict[str, Any]:
    """Give the public key set without HTTP, for a router in the same process."""
    own = own or UsersSettings.load()
    return AccessTokens(_keys(settings, own), own.access_token_lifetime, SystemClock()).key_set()


def _keys(settings: Settings, own: UsersSettings) -> KeySource:
    path = own.signing_key_file or settings.data_dir / "keys" / "access-tokens.pem"
    return KeySource(path=path, pem=own.signing_key.get_secret_value() if own.signing_key else None)


def _key_set_route(tokens: AccessTokens) -> Route:
    async def serve(_request: Request) -> JSONResponse:
        return JSONResponse(tokens.key_set(), headers=_KEY_SET_CACHE)

    return Route("/.well-known/jwks.json", serve)
