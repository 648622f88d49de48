"""An authenticator in software (WebAuthn level 2, ES256): makes passkeys and answers challenges, also wrongly."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


class SoftwareAuthenticator:
    """One device with one key, in a browser on a page of `origin`."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._private = generate_private_key(SECP256R1())
        self._id = os.urandom(16)
        self._counter = 0

    def create(self, options: str) -> str:
        """Answer `navigator.credentials.create()`."""
        asked = json.loads(options)
        numbers = self._private.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + struct.pack(">H", len(self._id)) + self._id + cbor2.dumps(key)
        data = self._data(asked["rp"]["id"], _PRESENT | _VERIFIED | _ATTESTED) + attested
        return self._answer(
            {
                "clientDataJSON": self._client_data("webauthn.create", asked["challenge"], self._origin),
                "attestationObject": cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}),
            }
        )

    def get(self, options: str, *, forge: str = "") -> str:
        """Answer `navigator.credentials.get()`; `forge` names what is wrong with the answer."""
        asked = json.loads(options)
        self._counter = 0 if forge == "counter" else self._counter + 1
        challenge = _text(os.urandom(32)) if forge == "challenge" else asked["challenge"]
        origin = "https://evil.example" if forge == "origin" else self._origin
        client_data = self._client_data("webauthn.get", challenge, origin)
        data = self._data(asked["rpId"], 0 if forge == "user_presence" else _PRESENT | _VERIFIED)
        private = generate_private_key(SECP256R1()) if forge == "key" else self._private
        signature = private.sign(data + hashlib.sha256(client_data).digest(), ECDSA(SHA256()))
        if forge == "signature":
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        return self._answer({"clientDataJSON": client_data, "authenticatorData": data, "signature": signature})

    def _data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", self._counter)

    def _client_data(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()

    def _answer(self, response: dict[str, bytes]) -> str:
        answer: dict[str, Any] = {
            "id": _text(self._id),
            "rawId": _text(self._id),
            "type": "public-key",
            "response": {name: _text(value) for name, value in response.items()},
        }
        return json.dumps(answer)


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
