"""What mutations answer, and how a refusal becomes one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import strawberry

from kernel.errors import DomainError
from kernel.graphql import ErrorCode, UserError, user_errors
from kernel.identity import Caller, Kind, require
from subgraphs.users.api.account_types import Consent, PaymentMethod, SecondFactor, UserAddress
from subgraphs.users.api.types import User
from subgraphs.users.domain import errors
from subgraphs.users.service.login import Challenge
from subgraphs.users.service.sessions import Grant

T = TypeVar("T")
P = TypeVar("P")

_PEOPLE: Final[frozenset[Kind]] = frozenset({"customer", "vendor", "staff", "admin"})


def person(caller: Caller) -> str:
    """Let only people pass; give the id of the one who asks."""
    return require(caller, kinds=_PEOPLE)


async def answer(
    payload: Callable[..., P], work: Callable[[], Awaitable[T]], show: Callable[[T], Mapping[str, Any]]
) -> P:
    """Do some work and show its outcome, or why it was not done, in a payload."""
    try:
        return payload(**show(await work()))
    except DomainError as error:
        return payload(errors=_shown(error))


@strawberry.type(description="This rests for a while, for everybody or for this address.")
class RateLimitedError(UserError):
    """Too many attempts."""

    retry_after: int = strawberry.field(description="Seconds until the next attempt is looked at.")

    @classmethod
    def of(cls, error: errors.TooManyAttemptsError) -> RateLimitedError:
        """Show the refusal."""
        return cls(code=ErrorCode.RATE_LIMITED, message=error.message, retry_after=error.retry_after)


@strawberry.type(description="This needs fresh proof of who you are: `sessionConfirm`, then ask again.")
class StepUpRequiredError(UserError):
    """It is too long since the last proof."""

    methods: list[str] = strawberry.field(description="What would prove it: password, totp, webauthn.")

    @classmethod
    def of(cls, error: errors.StepUpRequiredError) -> StepUpRequiredError:
        """Show the refusal."""
        return cls(code=ErrorCode.STEP_UP_REQUIRED, message=error.message, methods=list(error.methods))


_SPECIAL: Final[dict[Any, Callable[[Any], UserError]]] = {
    errors.TooManyAttemptsError: RateLimitedError.of,
    errors.StepUpRequiredError: StepUpRequiredError.of,
}


def _shown(error: DomainError) -> list[UserError]:
    return user_errors(error, special=_SPECIAL)


@strawberry.type
class UserPayload:
    """A user, or why nothing was done."""

    user: User | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="The first proof held; a second one must follow.")
class LoginChallenge:
    """A second proof is wanted."""

    ticket: str = strawberry.field(description="Bring it with the second proof, within five minutes.")
    methods: list[str] = strawberry.field(description="What would do: totp, webauthn, recovery.")
    passkey_options: str | None = strawberry.field(description="For `navigator.credentials.get()`, as JSON.")

    @classmethod
    def of(cls, challenge: Challenge) -> LoginChallenge:
        """Show a challenge."""
        return cls(ticket=challenge.ticket, methods=list(challenge.methods), passkey_options=challenge.passkey_options)


@strawberry.type
class SessionPayload:
    """Tokens, a question for a second proof, or why there is neither."""

    access_token: str | None = strawberry.field(default=None, description="Send it as `Authorization: Bearer …`.")
    refresh_token: str | None = strawberry.field(
        default=None, description="Good for one `tokenRefresh`; keep it where scripts of others cannot read it."
    )
    expires_in: int | None = strawberry.field(default=None, description="Seconds that the access token lives.")
    user: User | None = None
    challenge: LoginChallenge | None = strawberry.field(
        default=None, description="Answer it with `userLoginConfirm`; until then there are no tokens."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


def session_shown(outcome: Grant | Challenge) -> dict[str, Any]:
    """Hand out what a log-in gave."""
    if isinstance(outcome, Challenge):
        return {"challenge": LoginChallenge.of(outcome)}
    return {
        "access_token": outcome.access_token,
        "refresh_token": outcome.refresh_token,
        "expires_in": outcome.expires_in,
        "user": User.of(outcome.account),
    }


@strawberry.type
class UserLogoutPayload:
    """The outcome of a log-out."""

    logged_out: bool
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class UserAddressPayload:
    """An address, or why nothing was done."""

    address: UserAddress | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class DonePayload:
    """Whether it was done, or why not."""

    done: bool = False
    errors: list[UserError] = strawberry.field(default_factory=list)


def done(_outcome: object) -> dict[str, Any]:
    """Say that something was done, and nothing else."""
    return {"done": True}


@strawberry.type
class ChallengePayload:
    """A question for proof, or why there is none."""

    challenge: LoginChallenge | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class TotpBeginPayload:
    """What an authenticator app is set up with, or why not."""

    id: strawberry.ID | None = None
    secret: str | None = None
    uri: str | None = strawberry.field(default=None, description="For the QR code.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class PasskeyBeginPayload:
    """The question to the browser, or why there is none."""

    ticket: str | None = None
    options: str | None = strawberry.field(default=None, description="For `navigator.credentials.create()`, as JSON.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class SecondFactorPayload:
    """A second factor, or why there is none."""

    factor: SecondFactor | None = None
    recovery_codes: list[str] | None = strawberry.field(
        default=None, description="Shown this once, with the first factor; each opens the account once."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class IdentityLinkPayload:
    """Where to send the browser, or why not."""

    path: str | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class ConsentPayload:
    """A consent, or why nothing was noted."""

    consent: Consent | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class PaymentMethodPayload:
    """A payment method, or why nothing was kept."""

    payment_method: PaymentMethod | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class DataRequestPayload:
    """A request about personal data, or why there is none."""

    id: strawberry.ID | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)
