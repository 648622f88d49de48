"""Sealed values, rings of keys, and the stores that keep them."""

from __future__ import annotations

import asyncio
import stat

import pytest

from kernel.sealing import KeyRing, UnsealError, derive, new_key, seal, unseal
from kernel.secrets import FileSecrets, SecretConflictError, SecretsError, update


def test_a_sealed_value_opens_in_its_place_only():
    key = new_key()
    sealed = seal(key, b"ada@example.com", context="users:usr_1")

    assert unseal(key, sealed, context="users:usr_1") == b"ada@example.com"
    assert b"ada" not in sealed
    assert seal(key, b"x", context="") != seal(key, b"x", context="")
    for wrong_key, wrong, context in (
        (new_key(), sealed, "users:usr_1"),
        (key, sealed, "users:usr_2"),
        (key, sealed[:-1] + bytes([sealed[-1] ^ 1]), "users:usr_1"),
        (key, b"", "users:usr_1"),
    ):
        with pytest.raises(UnsealError):
            unseal(wrong_key, wrong, context=context)


def test_derived_keys_differ_by_purpose():
    secret = new_key()

    assert derive(secret, "mail") == derive(secret, "mail") != derive(secret, "export")


def test_a_ring_opens_what_older_keys_wrapped(tmp_path):
    ring, inner = KeyRing(FileSecrets(tmp_path)), new_key()
    old = ring.wrap(inner, context="usr_1")
    elsewhere = KeyRing(FileSecrets(tmp_path))
    assert elsewhere.unwrap(old, context="usr_1") == inner

    ring.rotate()
    fresh = ring.wrap(inner, context="usr_1")

    assert old.partition(b".")[0] != fresh.partition(b".")[0] == ring.newest.encode()
    assert ring.unwrap(old, context="usr_1") == inner
    assert elsewhere.unwrap(fresh, context="usr_1") == inner  # a process that started before learns of the new key
    assert ring.blind("email", "a@b.cc") == elsewhere.blind("email", "a@b.cc") != ring.blind("name", "a@b.cc")


def test_a_key_that_was_forgotten_opens_nothing(tmp_path):
    ring = KeyRing(FileSecrets(tmp_path))
    old = ring.wrap(new_key(), context="usr_1")
    ring.rotate()

    ring.forget_all_but_newest()

    with pytest.raises(UnsealError):
        ring.unwrap(old, context="usr_1")


async def test_processes_that_start_at_once_agree_on_one_ring(tmp_path):
    rings = [KeyRing(FileSecrets(tmp_path)) for _ in range(8)]

    newest = await asyncio.gather(*(asyncio.to_thread(lambda ring=ring: ring.newest) for ring in rings))

    assert len(set(newest)) == 1


def test_secret_files_are_for_their_owner_and_replaced_by_who_read_the_newest(tmp_path):
    store = FileSecrets(tmp_path / "keys")
    assert store.read("ring") is None
    first = store.write("ring", "1", replaces=None)
    store.write("ring", "2", replaces=first)

    with pytest.raises(SecretConflictError):
        store.write("ring", "3", replaces=first)
    assert update(store, "ring", lambda text: f"{text}!").text == "2!"
    assert stat.S_IMODE((tmp_path / "keys" / "ring.json").stat().st_mode) == 0o600
    assert "2!" not in repr(store.read("ring"))


def test_a_store_that_cannot_be_used_is_told_in_one_line(tmp_path):
    (tmp_path / "keys").write_text("in the way")

    with pytest.raises(SecretsError, match="cannot be used"):
        FileSecrets(tmp_path / "keys").write("ring", "1", replaces=None)
    (tmp_path / "personal-data.json").write_text("not JSON")
    with pytest.raises(SecretsError, match="cannot be understood"):
        _ = KeyRing(FileSecrets(tmp_path)).newest
