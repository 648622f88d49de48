"""`storegraph users …`: what the shop's owner does with accounts and keys from the command line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path

from kernel.clock import SystemClock
from kernel.database import Database
from kernel.errors import DomainError, InfrastructureError
from kernel.sealing import KeyRing, mail_key
from kernel.secrets import secret_store
from kernel.settings import Settings
from runtime.errors import StartError
from runtime.store_database import store_database
from subgraphs.users.app import personal_keys, signing_keys
from subgraphs.users.domain.roles import Role
from subgraphs.users.service.accounts import Accounts
from subgraphs.users.service.passwords import PasswordHasher
from subgraphs.users.service.secrets import OneTimeSecrets
from subgraphs.users.settings import UsersSettings
from subgraphs.users.storage.accounts import count_wrapped_by_older, rewrap_some
from subgraphs.users.storage.keys import RotatingKeys
from subgraphs.users.storage.personal import PersonalKeys


class UsersCommandError(StartError):
    """The command cannot do what was asked."""


@dataclass(frozen=True, slots=True)
class NewAdministrator:
    """Whom to make an administrator."""

    email: str
    name: str


def create_admin(administrator: NewAdministrator, data_dir: Path) -> None:
    """Make an administrator; the password is asked for, or read from standard input where nobody is at a terminal.

    Raises:
        UsersCommandError: in one line, why not.
    """
    password = _password()
    with _store(data_dir) as settings:
        try:
            asyncio.run(_open(administrator, password, settings))
        except (DomainError, InfrastructureError) as error:
            raise UsersCommandError(error.message) from error
    print(f"{administrator.email} is an administrator now.")


def rotate_signing_key(data_dir: Path, *, compromised: bool) -> None:
    """Let a new key sign access tokens; a compromised old one is worth nothing from now on."""
    settings = _settings(data_dir)
    keys = signing_keys(settings, UsersSettings.load())
    if not isinstance(keys, RotatingKeys):
        raise UsersCommandError("The signing key comes from a setting; replace it there.")
    kid = keys.rotate(datetime.now(UTC), compromised=compromised)
    when = "signs at once; all access tokens out there are worth nothing" if compromised else "signs in ten minutes"
    print(f"Key {kid} {when}.")


def rotate_personal_key(data_dir: Path) -> None:
    """Let a new key wrap the data keys of people; running stores wrap the older ones anew by and by."""
    name = KeyRing(secret_store(_settings(data_dir))).rotate()
    print(f"Key {name} wraps the data keys from now on.")


def forget_older_personal_keys(data_dir: Path) -> None:
    """Remove the keys that wrap no data key any more; copies of the store that are older than that cannot be read then.

    Raises:
        UsersCommandError: some data keys have not been wrapped anew yet.
    """
    with _store(data_dir) as settings:
        keys = personal_keys(settings)
        waiting = asyncio.run(_rewrap(settings, keys))
        if waiting:
            raise UsersCommandError(f"{waiting} accounts are being changed; try again.")
        keys.ring.forget_all_but_newest()
    print(f"Key {keys.ring.newest} is the only one now.")


async def _rewrap(settings: Settings, keys: PersonalKeys) -> int:
    """Wrap what is left anew; tell how many accounts somebody else holds."""
    async with Database(settings.database_url, schema="users") as database:
        while True:
            async with database.transaction() as session:
                if not await rewrap_some(session, keys):
                    return await count_wrapped_by_older(session, keys)


async def _open(administrator: NewAdministrator, password: str, settings: Settings) -> None:
    own, clock, keys = UsersSettings.load(), SystemClock(), personal_keys(settings)
    hasher = PasswordHasher(rounds=own.bcrypt_rounds, threads=1)
    async with Database(settings.database_url, schema="users") as database:
        secrets = OneTimeSecrets(database=database, keys=keys, clock=clock, mail_key=mail_key(settings))
        accounts = Accounts(database=database, keys=keys, hasher=hasher, secrets=secrets, clock=clock)
        await accounts.open_proven(
            email=administrator.email,
            password=password,
            name=administrator.name,
            roles=frozenset({Role.CUSTOMER, Role.ADMIN}),
        )
    hasher.close()


@contextmanager
def _store(data_dir: Path) -> Iterator[Settings]:
    settings = _settings(data_dir)
    with store_database(data_dir) as url:
        yield settings.model_copy(update={"database_url": url})


def _settings(data_dir: Path) -> Settings:
    settings = Settings.load()
    return settings if settings.database_url else settings.model_copy(update={"data_dir": data_dir.resolve()})


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass("Password: ")
    if getpass("Again: ") != password:
        raise UsersCommandError("The two passwords differ.")
    return password
