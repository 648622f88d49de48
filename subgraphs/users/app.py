"""The users subgraph put together."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kernel.clock import Clock, SystemClock
from kernel.graphql import Context
from kernel.identity import Caller
from kernel.jobs import Job
from kernel.personal_data import export_key
from kernel.sealing import KeyRing, derive, mail_key
from kernel.secrets import secret_store
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.users.api.browser import Browser
from subgraphs.users.api.context import UsersContext, UsersLoaders
from subgraphs.users.api.schema import SCHEMA
from subgraphs.users.consumers import make_consumers
from subgraphs.users.domain.lockout import MAILS, PER_ADDRESS
from subgraphs.users.service import UsersService
from subgraphs.users.service.accounts import Accounts
from subgraphs.users.service.address_book import AddressBook
from subgraphs.users.service.factors import SecondFactors
from subgraphs.users.service.identities import Identities
from subgraphs.users.service.login import LogIn
from subgraphs.users.service.passwords import PasswordHasher
from subgraphs.users.service.personal_data import PersonalDataRequests
from subgraphs.users.service.recovery import Recovery
from subgraphs.users.service.secrets import OneTimeSecrets
from subgraphs.users.service.sessions import Sessions
from subgraphs.users.service.staff import Staff
from subgraphs.users.service.tokens import AccessTokens
from subgraphs.users.service.wallet import Wallet
from subgraphs.users.settings import UsersSettings
from subgraphs.users.storage.keys import FixedKey, RotatingKeys, SigningKeys
from subgraphs.users.storage.personal import PersonalKeys
from subgraphs.users.storage.revocations import Revocations
from subgraphs.users.storage.throttle import Throttle, connect

NAME: Final = "users"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
_HOURLY: Final = 3600.0
_TELL_SECONDS: Final = 30.0
_KEY_SET_CACHE: Final = {"cache-control": "public, max-age=300"}


def build(settings: Settings, parts: Parts, own: UsersSettings | None = None) -> Subgraph:
    """Put the subgraph together; `own` stands in for the settings of the environment."""
    own = own or UsersSettings.load()
    redis = connect(settings.redis_url or "redis://localhost:6379")
    hasher = PasswordHasher(rounds=own.bcrypt_rounds, threads=own.password_threads, patience=own.password_patience)
    signing = signing_keys(settings, own)
    tokens = AccessTokens(signing, own.access_token_lifetime, parts.clock)
    service = _service(settings, parts, own, redis=redis, hasher=hasher, tokens=tokens)
    browser = Browser(
        service=service,
        cookie_key=derive(settings.internal_key.get_secret_value().encode(), "browsers at a provider"),
        origins=own.origins,
        refresh_seconds=int(own.refresh_token_lifetime.total_seconds()),
    )

    def make_context(caller: Caller) -> UsersContext:
        return Context(caller=caller, service=service, loaders=UsersLoaders.of(service, caller))

    async def close() -> None:
        hasher.close()
        await service.sessions.revocations.finish()
        await redis.aclose()

    return Subgraph(
        name=NAME,
        schema=SCHEMA,
        make_context=make_context,
        database=parts.database,
        migrations=MIGRATIONS,
        consumers=make_consumers(service),
        jobs=_jobs(service, signing, parts.clock),
        routes=(_key_set_route(tokens), *browser.routes()),
        on_close=(close,),
    )


def key_set(settings: Settings, own: UsersSettings | None = None) -> dict[str, Any]:
    """Give the public key set without HTTP, for a router in the same process."""
    own = own or UsersSettings.load()
    return AccessTokens(signing_keys(settings, own), own.access_token_lifetime, SystemClock()).key_set()


def signing_keys(settings: Settings, own: UsersSettings) -> SigningKeys:
    """Give the keys that sign access tokens: the one of the settings, else those that rotate."""
    if own.signing_key is not None:
        return FixedKey(pem=own.signing_key.get_secret_value())
    if own.signing_key_file is not None:
        return FixedKey(path=own.signing_key_file)
    heirloom = settings.data_dir / "keys" / "access-tokens.pem"
    return RotatingKeys(secret_store(settings), own.rotation_rules(), heirloom=heirloom)


def personal_keys(settings: Settings) -> PersonalKeys:
    """Give the keys under which people are sealed."""
    return PersonalKeys(KeyRing(secret_store(settings)))


def _service(
    settings: Settings,
    parts: Parts,
    own: UsersSettings,
    *,
    redis: Redis,
    hasher: PasswordHasher,
    tokens: AccessTokens,
) -> UsersService:
    database, clock, keys = parts.database, parts.clock, personal_keys(settings)
    by_email = Throttle(redis, own.lockout_policy(), "login")
    secrets = OneTimeSecrets(database=database, keys=keys, clock=clock, mail_key=mail_key(settings))
    accounts = Accounts(database=database, keys=keys, hasher=hasher, secrets=secrets, clock=clock)
    sessions = Sessions(
        database=database,
        keys=keys,
        tokens=tokens,
        clock=clock,
        rules=own.session_rules(),
        revocations=Revocations(redis, tokens.lifetime),
    )
    factors = SecondFactors(database=database, keys=keys, secrets=secrets, clock=clock, party=own.relying_party())
    log_in = LogIn(
        database=database,
        keys=keys,
        hasher=hasher,
        by_email=by_email,
        by_client=Throttle(redis, PER_ADDRESS, "client"),
        by_factor=Throttle(redis, own.lockout_policy(), "factor"),
        sessions=sessions,
        factors=factors,
        secrets=secrets,
        clock=clock,
    )
    return UsersService(
        accounts=accounts,
        sessions=sessions,
        address_book=AddressBook(database, keys),
        log_in=log_in,
        factors=factors,
        recovery=Recovery(
            database=database,
            keys=keys,
            accounts=accounts,
            sessions=sessions,
            log_in=log_in,
            secrets=secrets,
            hasher=hasher,
            mails=Throttle(redis, MAILS, "mail"),
            clock=clock,
        ),
        identities=Identities(
            database=database,
            keys=keys,
            accounts=accounts,
            log_in=log_in,
            secrets=secrets,
            clock=clock,
            providers={name: each.provider(name) for name, each in own.providers.items()},
        ),
        wallet=Wallet(database=database, keys=keys, log_in=log_in, clock=clock),
        personal_data=PersonalDataRequests(
            database=database,
            keys=keys,
            calls=parts.calls,
            sessions=sessions,
            log_in=log_in,
            secrets=secrets,
            clock=clock,
            export_key=export_key(settings),
        ),
        staff=Staff(
            database=database,
            keys=keys,
            accounts=accounts,
            sessions=sessions,
            log_in=log_in,
            secrets=secrets,
            clock=clock,
            audit_kept=own.audit_kept,
        ),
        discreet_registration=own.discreet_registration,
    )


def _jobs(service: UsersService, signing: SigningKeys, clock: Clock) -> tuple[Job, ...]:
    async def rotate_keys() -> int:
        if not isinstance(signing, RotatingKeys):
            return 0
        return int(await asyncio.to_thread(signing.rotate_when_due, clock.now()))

    portions = {
        "forget-sessions": service.sessions.forget_expired,
        "forget-secrets": service.recovery.secrets.forget_expired,
        "forget-accesses": service.staff.forget_old_accesses,
        "forget-exports": service.personal_data.forget_old_exports,
        "rewrap-keys": service.accounts.rewrap_keys,
        "rotate-signing-keys": rotate_keys,
    }
    telling = Job(name="users.tell-ended-sessions", run=service.sessions.tell_ended, every=_TELL_SECONDS)
    return (telling, *(Job(name=f"users.{name}", run=run, every=_HOURLY) for name, run in portions.items()))


def _key_set_route(tokens: AccessTokens) -> Route:
    async def serve(_request: Request) -> JSONResponse:
        return JSONResponse(tokens.key_set(), headers=_KEY_SET_CACHE)

    return Route("/.well-known/jwks.json", serve)
