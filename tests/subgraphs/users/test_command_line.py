"""`storegraph users …` on the database and the keys of a store."""

from __future__ import annotations

import asyncio
import io

import pytest
from typer.testing import CliRunner

from runtime import users_command
from runtime.cli import app
from runtime.users_command import NewAdministrator, UsersCommandError


@pytest.fixture
def store(world, monkeypatch):
    monkeypatch.setenv("STOREGRAPH_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("STOREGRAPH_DATA_DIR", str(world.settings.data_dir))
    monkeypatch.setenv("STOREGRAPH_USERS_BCRYPT_ROUNDS", "4")

    async def command(work, *arguments, typed="", **options):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return await asyncio.to_thread(work, *arguments, world.settings.data_dir, **options)

    return command


async def test_the_first_administrator_is_made_and_can_log_in(world, store, capsys):
    ada = NewAdministrator("Ada@example.com", "Ada Admin")

    await store(users_command.create_admin, ada, typed="a password of ada\n")

    payload = await world.log_in("ada@example.com", "a password of ada")
    assert payload["errors"] == []
    [account] = (await world.service.accounts.by_id([payload["user"]["id"]])).values()
    assert (sorted(account.roles), account.email_verified_at is not None) == (["admin", "customer"], True)
    assert "a password" not in capsys.readouterr().out


@pytest.mark.parametrize(("email", "typed"), [("ada@example.com", "short\n"), ("nonsense", "a long password\n")])
async def test_what_cannot_be_an_administrator_is_told_in_one_line(store, email, typed):
    with pytest.raises(UsersCommandError) as refused:
        await store(users_command.create_admin, NewAdministrator(email, "Ada"), typed=typed)

    assert "\n" not in str(refused.value)


async def test_keys_rotate_and_older_ones_are_forgotten_when_nothing_needs_them(world, store):
    await world.register("ada@example.com")

    await store(users_command.rotate_signing_key, compromised=False)
    await store(users_command.rotate_personal_key)
    await store(users_command.forget_older_personal_keys)

    await asyncio.to_thread(world.service.accounts.keys.ring.reload)
    assert (await world.log_in("ada@example.com"))["errors"] == []
    kept = await world.rows("SELECT data_key FROM users")
    newest = world.service.accounts.keys.ring.newest
    assert [bytes(row["data_key"]).partition(b".")[0].decode() for row in kept] == [newest]


def test_the_commands_explain_themselves():
    told = CliRunner().invoke(app, ["users", "--help"]).output

    for command in ("create-admin", "rotate-signing-key", "rotate-personal-key", "forget-older-personal-keys"):
        assert command in told
