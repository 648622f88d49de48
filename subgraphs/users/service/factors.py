"""Second factors: added by whoever proved who they are, asked for at log-in.

Passkeys follow WebAuthn through the library `webauthn`; the challenge travels in a sealed one-time secret, so that an
answer fits one question and works once.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any, Final

import webauthn
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InvalidInputError, NotFoundError
from kernel.ids import new_id
from subgraphs.users.domain.accounts import Account, checked_name
from subgraphs.users.domain.errors import InvalidSecretError
from subgraphs.users.domain.factors import (
    Factor,
    FactorKind,
    Proof,
    matching_step,
    new_recovery_codes,
    new_totp_secret,
    normalise_recovery_code,
    totp_uri,
)
from subgraphs.users.domain.secrets import Purpose
from subgraphs.users.service.secrets import OneTimeSecrets
from subgraphs.users.storage import accounts as stored_accounts
from subgraphs.users.storage import factors as stored
from subgraphs.users.storage.personal import DataKey, PersonalKeys

_MOST_FACTORS: Final = 10


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who we are to authenticators: a domain, and the origins of its pages."""

    id: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTotp:
    """What an authenticator app is set up with."""

    factor_id: str
    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A question to an authenticator, as JSON, and the ticket with which its answer is brought."""

    ticket: str
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactors:
    """Keeps and checks second factors."""

    database: Database
    keys: PersonalKeys
    secrets: OneTimeSecrets
    clock: Clock
    party: RelyingParty

    async def of(self, user_id: str) -> list[Factor]:
        """List the confirmed factors of somebody."""
        async with self.database.session() as session:
            key = await stored_accounts.required_key(session, self.keys, user_id)
            return [factor for factor in await stored.factors_of(session, key) if factor.confirmed_at]

    async def kinds_of(self, session: AsyncSession, user_id: str) -> list[str]:
        """Name the kinds of factor that somebody logs in with."""
        return await stored.confirmed_kinds(session, user_id)

    async def recovery_codes_left(self, user_id: str) -> int:
        """Count the recovery codes that somebody has not used."""
        async with self.database.session() as session:
            return await stored.count_recovery_codes(session, user_id)

    async def begin_totp(self, account: Account, name: str) -> NewTotp:
        """Make the secret of an authenticator app; it counts once a code of it was typed in."""
        secret = new_totp_secret()
        async with self.database.transaction() as session:
            key = await stored_accounts.required_key(session, self.keys, account.id)
            await stored.delete_unconfirmed(session, account.id, FactorKind.TOTP)
            factor = await self._add(session, key, FactorKind.TOTP, name, {"secret": secret})
        return NewTotp(
            factor_id=factor.id, secret=secret, uri=totp_uri(secret, email=account.email, shop=self.party.name)
        )

    async def confirm_totp(self, user_id: str, factor_id: str, code: str) -> list[str]:
        """Let an authenticator app count from now on; gives recovery codes where there were none.

        Raises:
            NotFoundError: no such factor was begun.
            InvalidSecretError: the code is wrong.
        """
        async with self.database.transaction() as session:
            key = await stored_accounts.required_key(session, self.keys, user_id)
            found = {factor.id: factor for factor in await stored.factors_of(session, key, lock=True)}
            if factor_id not in found:
                raise NotFoundError("There is no such factor.", path=("id",))
            if not await self._check_totp(session, found[factor_id], code):
                raise InvalidSecretError("code")
            return await self._first_recovery_codes(session, user_id)

    async def begin_passkey(self, account: Account) -> Ceremony:
        """Ask the browser for a new passkey."""
        async with self.database.transaction() as session:
            key = await stored_accounts.required_key(session, self.keys, account.id)
            known = [
                PublicKeyCredentialDescriptor(b64decode(factor.secret["id"]))
                for factor in await stored.factors_of(session, key)
                if factor.kind is FactorKind.WEBAUTHN
            ]
            options = webauthn.generate_registration_options(
                rp_id=self.party.id,
                rp_name=self.party.name,
                user_name=account.email,
                user_id=account.id.encode(),
                user_display_name=account.name,
                exclude_credentials=known,
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.PREFERRED,
                    user_verification=UserVerificationRequirement.REQUIRED,
                ),
            )
            payload = {"challenge": bytes_to_base64url(options.challenge)}
            ticket = await self.secrets.issue(session, account.id, Purpose.ADD_PASSKEY, payload)
        return Ceremony(ticket, options_to_json(options))

    async def add_passkey(self, user_id: str, ticket: str, answer: str, name: str) -> tuple[Factor, list[str]]:
        """Keep the passkey that a browser made; gives recovery codes where there were none.

        Raises:
            InvalidSecretError: the ticket, or the answer to its challenge, does not hold.
            ConflictError: the passkey is known already.
        """
        async with self.database.transaction() as session:
            asked = await self.secrets.redeem(session, ticket, Purpose.ADD_PASSKEY)
            if asked.user_id != user_id:
                raise InvalidSecretError("ticket")
            try:
                made = webauthn.verify_registration_response(
                    credential=answer,
                    expected_challenge=base64url_to_bytes(asked.payload["challenge"]),
                    expected_rp_id=self.party.id,
                    expected_origin=list(self.party.origins),
                    require_user_verification=True,
                )
            except (WebAuthnException, ValueError, KeyError, TypeError) as error:
                raise InvalidSecretError("answer") from error
            key = await stored_accounts.required_key(session, self.keys, user_id)
            secret = {"id": _spelled(made.credential_id), "public_key": _spelled(made.credential_public_key)}
            factor = await self._add(
                session,
                key,
                FactorKind.WEBAUTHN,
                name,
                secret,
                counter=made.sign_count,
                credential_id=made.credential_id,
            )
            return factor, await self._first_recovery_codes(session, user_id)

    async def question(self, session: AsyncSession, user_id: str) -> tuple[dict[str, Any], str | None]:
        """Give what somebody's ticket must remember, and the question to their authenticators, if they have any."""
        key = await stored_accounts.required_key(session, self.keys, user_id)
        known = [
            PublicKeyCredentialDescriptor(b64decode(factor.secret["id"]))
            for factor in await stored.factors_of(session, key)
            if factor.kind is FactorKind.WEBAUTHN and factor.confirmed_at
        ]
        if not known:
            return {}, None
        options = webauthn.generate_authentication_options(
            rp_id=self.party.id, allow_credentials=known, user_verification=UserVerificationRequirement.REQUIRED
        )
        return {"challenge": bytes_to_base64url(options.challenge)}, options_to_json(options)

    async def check(self, session: AsyncSession, user_id: str, proof: Proof, asked: dict[str, Any]) -> str | None:
        """Check a proof of somebody's second factor.

        Returns:
            The method in the words of RFC 8176; None when the proof is wrong.
        """
        key = await stored_accounts.required_key(session, self.keys, user_id)
        if proof.recovery_code is not None:
            used = await stored.use_recovery_code(
                session, user_id, _fingerprint(user_id, proof.recovery_code), self.clock.now()
            )
            return "rec" if used else None
        if proof.authenticator is not None:
            factor = await self.check_passkey(session, proof.authenticator, asked.get("challenge", ""))
            return "hwk" if factor and factor.user_id == user_id else None
        for factor in await stored.factors_of(session, key, lock=True):
            counts = factor.kind is FactorKind.TOTP and factor.confirmed_at is not None
            if counts and await self._check_totp(session, factor, proof.code or ""):
                return "otp"
        return None

    async def check_passkey(self, session: AsyncSession, answer: str, challenge: str) -> Factor | None:
        """Check an authenticator's answer to a challenge; give the factor, or None when it does not hold."""
        try:
            parsed = webauthn.helpers.parse_authentication_credential_json(answer)
            found = await stored.owner_of_credential(session, self.keys, parsed.raw_id)
            if found is None or not challenge:
                return None
            _, factor = found
            checked = webauthn.verify_authentication_response(
                credential=parsed,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self.party.id,
                expected_origin=list(self.party.origins),
                credential_public_key=b64decode(factor.secret["public_key"]),
                credential_current_sign_count=factor.counter,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError):
            return None
        await stored.note_use(session, factor.id, counter=checked.new_sign_count, now=self.clock.now())
        return factor

    async def remove(self, user_id: str, factor_id: str) -> None:
        """Remove a factor; the recovery codes go with the last one.

        Raises:
            NotFoundError: it is not theirs.
        """
        async with self.database.transaction() as session:
            if not await stored.delete_factor(session, user_id, factor_id):
                raise NotFoundError("There is no such factor.", path=("id",))
            if not await stored.confirmed_kinds(session, user_id):
                await stored.replace_recovery_codes(session, user_id, [])

    async def renew_recovery_codes(self, user_id: str) -> list[str]:
        """Make a new set of recovery codes; the old ones open nothing any more."""
        async with self.database.transaction() as session:
            return await self._new_recovery_codes(session, user_id)

    async def _add(
        self,
        session: AsyncSession,
        key: DataKey,
        kind: FactorKind,
        name: str,
        secret: dict[str, Any],
        *,
        counter: int = 0,
        credential_id: bytes | None = None,
    ) -> Factor:
        if len(await stored.factors_of(session, key, lock=True)) >= _MOST_FACTORS:
            raise InvalidInputError(f"An account has at most {_MOST_FACTORS} factors.", path=("name",))
        now = self.clock.now()
        factor = Factor(
            id=new_id("mfa"),
            user_id=key.user_id,
            kind=kind,
            name=checked_name(name),
            secret=secret,
            counter=counter,
            created_at=now,
            confirmed_at=now if kind is FactorKind.WEBAUTHN else None,
            last_used_at=None,
        )
        await stored.insert_factor(session, key, factor, credential_id=credential_id)
        return factor

    async def _check_totp(self, session: AsyncSession, factor: Factor, code: str) -> bool:
        now = self.clock.now()
        step = matching_step(factor.secret["secret"], code, now, used_step=factor.counter)
        if step is None:
            return False
        await stored.note_use(session, factor.id, counter=step, now=now)
        return True

    async def _first_recovery_codes(self, session: AsyncSession, user_id: str) -> list[str]:
        left = await stored.count_recovery_codes(session, user_id)
        return [] if left else await self._new_recovery_codes(session, user_id)

    async def _new_recovery_codes(self, session: AsyncSession, user_id: str) -> list[str]:
        codes = new_recovery_codes()
        await stored.replace_recovery_codes(session, user_id, [_fingerprint(user_id, code) for code in codes])
        return codes


def _fingerprint(user_id: str, code: str) -> bytes:
    return hashlib.sha256(f"{user_id}:{normalise_recovery_code(code)}".encode()).digest()


def _spelled(data: bytes) -> str:
    return b64encode(data).decode()
