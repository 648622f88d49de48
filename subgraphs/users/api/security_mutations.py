"""What guards an account: sessions, passwords, addresses, second factors, identities."""

from __future__ import annotations

import strawberry

from subgraphs.users.api.account_types import SecondFactor
from subgraphs.users.api.context import Info
from subgraphs.users.api.inputs import ProofInput
from subgraphs.users.api.payloads import (
    ChallengePayload,
    DonePayload,
    IdentityLinkPayload,
    LoginChallenge,
    PasskeyBeginPayload,
    SecondFactorPayload,
    TotpBeginPayload,
    answer,
    done,
    person,
)
from subgraphs.users.service.factors import Ceremony, NewTotp


@strawberry.type
class SecurityMutations:
    """Changes of what guards the caller's own account; most want fresh proof of who asks."""

    @strawberry.mutation(description="Ask for a question to one's second factor, to be answered by `sessionConfirm`.")
    async def session_confirm_begin(self, info: Info) -> ChallengePayload:
        """Begin to prove again who one is."""
        log_in, caller = info.context.service.log_in, info.context.caller
        person(caller)
        return await answer(
            ChallengePayload, lambda: log_in.question(caller), lambda asked: {"challenge": LoginChallenge.of(asked)}
        )

    @strawberry.mutation(description="Prove again who one is, by password, or by ticket and second factor.")
    async def session_confirm(
        self, info: Info, password: str | None = None, ticket: str | None = None, proof: ProofInput | None = None
    ) -> DonePayload:
        """Prove again who one is."""
        log_in, caller = info.context.service.log_in, info.context.caller
        person(caller)
        shown = proof.to_domain() if proof else None
        return await answer(
            DonePayload, lambda: log_in.confirm(caller, password=password, ticket=ticket, proof=shown), done
        )

    @strawberry.mutation(description="End one of one's own log-ins.")
    async def session_revoke(self, info: Info, id: strawberry.ID) -> DonePayload:
        """End a session."""
        sessions, caller = info.context.service.sessions, info.context.caller
        return await answer(DonePayload, lambda: sessions.revoke(person(caller), id), done)

    @strawberry.mutation(description="End all of one's own log-ins, but perhaps the one that asks.")
    async def sessions_revoke_all(self, info: Info, keep_current: bool = True) -> DonePayload:
        """End all sessions."""
        sessions, caller = info.context.service.sessions, info.context.caller
        but = caller.session if keep_current else None
        return await answer(DonePayload, lambda: sessions.revoke_all(person(caller), but=but), done)

    @strawberry.mutation(description="Send the mail that proves one's address once more.")
    async def user_email_verification_send(self, info: Info) -> DonePayload:
        """Send the mail again."""
        recovery, caller = info.context.service.recovery, info.context.caller
        return await answer(DonePayload, lambda: recovery.send_verification(person(caller)), done)

    @strawberry.mutation(description="Prove an address by the secret that was mailed to it.")
    async def user_email_verify(self, info: Info, secret: str) -> DonePayload:
        """Prove an address."""
        recovery = info.context.service.recovery
        return await answer(DonePayload, lambda: recovery.verify_email(secret), done)

    @strawberry.mutation(description="Have a link to a new password mailed; the same answer for every address.")
    async def user_password_reset_request(self, info: Info, email: str) -> DonePayload:
        """Ask for a new password."""
        recovery, client = info.context.service.recovery, info.context.caller.client
        return await answer(DonePayload, lambda: recovery.request_reset(email, client), done)

    @strawberry.mutation(description="Set a new password by the secret out of a mail; all log-ins end.")
    async def user_password_reset(self, info: Info, secret: str, password: str) -> DonePayload:
        """Set a new password."""
        recovery = info.context.service.recovery
        return await answer(DonePayload, lambda: recovery.reset_password(secret, password), done)

    @strawberry.mutation(description="Change one's password; all other log-ins end.")
    async def user_password_change(self, info: Info, password: str, current_password: str | None = None) -> DonePayload:
        """Change a password."""
        recovery, caller = info.context.service.recovery, info.context.caller
        person(caller)
        return await answer(
            DonePayload, lambda: recovery.change_password(caller, current=current_password, new=password), done
        )

    @strawberry.mutation(description="Have a secret mailed to one's new address; it changes when that comes back.")
    async def user_email_change_request(self, info: Info, email: str) -> DonePayload:
        """Ask for a change of address."""
        recovery, caller = info.context.service.recovery, info.context.caller
        person(caller)
        return await answer(DonePayload, lambda: recovery.request_email_change(caller, email), done)

    @strawberry.mutation(description="Change an address by the secret that was mailed to the new one.")
    async def user_email_change(self, info: Info, secret: str) -> DonePayload:
        """Change an address."""
        recovery = info.context.service.recovery
        return await answer(DonePayload, lambda: recovery.change_email(secret), done)

    @strawberry.mutation(description="Begin to use an authenticator app.")
    async def totp_begin(self, info: Info, name: str) -> TotpBeginPayload:
        """Begin with a TOTP."""
        service, caller = info.context.service, info.context.caller
        person(caller)

        def shown(new: NewTotp) -> dict[str, object]:
            return {"id": strawberry.ID(new.factor_id), "secret": new.secret, "uri": new.uri}

        return await answer(TotpBeginPayload, lambda: service.begin_totp(caller, name), shown)

    @strawberry.mutation(description="Let an authenticator app count, by a code of it.")
    async def totp_confirm(self, info: Info, id: strawberry.ID, code: str) -> SecondFactorPayload:
        """Confirm a TOTP."""
        factors, caller = info.context.service.factors, info.context.caller
        return await answer(
            SecondFactorPayload,
            lambda: factors.confirm_totp(person(caller), id, code),
            lambda codes: {"recovery_codes": codes or None},
        )

    @strawberry.mutation(description="Begin to use a passkey.")
    async def passkey_begin(self, info: Info) -> PasskeyBeginPayload:
        """Begin with a passkey."""
        service, caller = info.context.service, info.context.caller
        person(caller)

        def shown(asked: Ceremony) -> dict[str, object]:
            return {"ticket": asked.ticket, "options": asked.options}

        return await answer(PasskeyBeginPayload, lambda: service.begin_passkey(caller), shown)

    @strawberry.mutation(description="Keep the passkey that the browser made.")
    async def passkey_add(self, info: Info, ticket: str, credential: str, name: str) -> SecondFactorPayload:
        """Add a passkey."""
        factors, caller = info.context.service.factors, info.context.caller
        return await answer(
            SecondFactorPayload,
            lambda: factors.add_passkey(person(caller), ticket, credential, name),
            lambda made: {"factor": SecondFactor.of(made[0]), "recovery_codes": made[1] or None},
        )

    @strawberry.mutation(description="Stop using a second factor.")
    async def second_factor_remove(self, info: Info, id: strawberry.ID) -> DonePayload:
        """Remove a factor."""
        service, caller = info.context.service, info.context.caller
        person(caller)
        return await answer(DonePayload, lambda: service.remove_factor(caller, id), done)

    @strawberry.mutation(description="Make new recovery codes; the old ones open nothing any more.")
    async def recovery_codes_renew(self, info: Info) -> SecondFactorPayload:
        """Renew the recovery codes."""
        service, caller = info.context.service, info.context.caller
        person(caller)
        return await answer(
            SecondFactorPayload,
            lambda: service.renew_recovery_codes(caller),
            lambda codes: {"recovery_codes": codes},
        )

    @strawberry.mutation(description="Begin to join an account elsewhere with one's own; open the path in the browser.")
    async def identity_link_begin(self, info: Info, provider: str) -> IdentityLinkPayload:
        """Begin to join an identity."""
        identities, caller = info.context.service.identities, info.context.caller
        person(caller)
        return await answer(
            IdentityLinkPayload,
            lambda: identities.begin_link(caller, provider),
            lambda ticket: {"path": f"/auth/providers/{provider}/start?ticket={ticket}"},
        )

    @strawberry.mutation(description="Join an account elsewhere by the secret that was mailed.")
    async def identity_link_confirm(self, info: Info, secret: str) -> DonePayload:
        """Join an identity."""
        identities = info.context.service.identities
        return await answer(DonePayload, lambda: identities.confirm_link(secret), done)

    @strawberry.mutation(description="Let an account elsewhere open one's own no longer.")
    async def identity_unlink(self, info: Info, id: strawberry.ID) -> DonePayload:
        """Part from an identity."""
        identities, caller = info.context.service.identities, info.context.caller
        person(caller)
        return await answer(DonePayload, lambda: identities.unlink(caller, id), done)
