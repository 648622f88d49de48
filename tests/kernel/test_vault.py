"""Secrets in Vault, against a server that keeps to the published HTTP API of its KV 2 and transit engines."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

import httpx2 as httpx
import pytest

from kernel.sealing import KeyRing
from kernel.secrets import (
    SecretConflictError,
    SecretsError,
    TransitSecrets,
    Vault,
    VaultSecrets,
    secret_store,
    update,
)
from kernel.settings import Settings


class ApiOfVault:
    """Answers as `https://developer.hashicorp.com/vault/api-docs` says; no binary of Vault is to be had offline."""

    def __init__(self) -> None:
        self.secrets: dict[str, tuple[int, dict[str, str]]] = {}
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.status != 200:
            return httpx.Response(self.status, json={"errors": ["as told"]})
        if request.headers["x-vault-token"] != "root":
            return httpx.Response(403, json={"errors": ["permission denied"]})
        body = json.loads(request.content) if request.content else {}
        path = request.url.path.removeprefix("/v1/")
        if path == "transit/encrypt/shop":
            return _data({"ciphertext": f"vault:v1:{body['plaintext'][::-1]}"})
        if path == "transit/decrypt/shop":
            return _data({"plaintext": body["ciphertext"].removeprefix("vault:v1:")[::-1]})
        version, data = self.secrets.get(path, (0, {}))
        if request.method == "GET":
            found = {"data": data, "metadata": {"version": version}}
            return _data(found) if version else httpx.Response(404, json={"errors": []})
        if body["options"]["cas"] != version:
            problem = "check-and-set parameter did not match the current version"
            return httpx.Response(400, json={"errors": [problem]})
        self.secrets[path] = (version + 1, body["data"])
        return _data({"version": version + 1})


def _data(data: object) -> httpx.Response:
    return httpx.Response(200, json={"data": data})


@pytest.fixture
def api() -> ApiOfVault:
    return ApiOfVault()


def vault(api: ApiOfVault, token: str = "root") -> Vault:
    return Vault("http://vault.invalid:8200", token, transport=httpx.MockTransport(api))


def test_a_ring_is_kept_in_the_kv_engine(api):
    store = VaultSecrets(vault(api), "secret", "storegraph")
    ring = KeyRing(store)
    wrapped = ring.wrap(b"k" * 32, context="usr_1")
    ring.rotate()

    assert KeyRing(store).unwrap(wrapped, context="usr_1") == b"k" * 32
    assert list(api.secrets) == ["secret/data/storegraph/personal-data"]


def test_who_did_not_read_the_newest_version_writes_nothing(api):
    store = VaultSecrets(vault(api), "secret", "storegraph")
    first = store.write("ring", "1", replaces=None)
    store.write("ring", "2", replaces=first)

    with pytest.raises(SecretConflictError):
        store.write("ring", "3", replaces=first)
    assert update(store, "ring", lambda text: f"{text}!").text == "2!"


def test_the_transit_engine_encrypts_what_is_kept(api):
    kept = VaultSecrets(vault(api), "secret", "storegraph")
    store = TransitSecrets(vault(api), "shop", kept)

    written = store.write("ring", "a secret", replaces=None)
    store.write("ring", "another", replaces=written)

    found, raw = store.read("ring"), kept.read("ring")
    assert found is not None
    assert raw is not None
    assert (found.text, raw.text.startswith("vault:v1:")) == ("another", True)
    assert b64encode(b"another").decode() not in raw.text
    assert b64decode(raw.text.removeprefix("vault:v1:")[::-1]) == b"another"
    with pytest.raises(SecretConflictError):
        store.write("ring", "too late", replaces=written)


@pytest.mark.parametrize(("status", "retryable"), [(403, False), (503, True), (500, True)])
def test_what_vault_refuses_is_told_in_one_line_without_the_token(api, status, retryable):
    api.status = status

    with pytest.raises(SecretsError) as refused:
        VaultSecrets(vault(api, "hvs.secret"), "secret", "storegraph").read("ring")

    assert refused.value.retryable is retryable
    assert "hvs" not in refused.value.message


def test_settings_choose_between_files_and_vault(tmp_path):
    assert secret_store(Settings(data_dir=tmp_path)).read("ring") is None
    assert isinstance(secret_store(Settings(vault_address="http://127.0.0.1:8200")), VaultSecrets)
    chosen = secret_store(Settings(vault_address="http://127.0.0.1:8200", vault_transit_key="shop"))
    assert isinstance(chosen, TransitSecrets)
    with pytest.raises(SecretsError, match="cannot be reached"):
        secret_store(Settings(vault_address="http://127.0.0.1:1")).read("ring")
