"""What can be refused here, beyond the errors that all subgraphs share.

DomainError
├── ConflictError
│   └── EmailTakenError             EMAIL_TAKEN
├── InvalidInputError
│   └── WeakPasswordError           WEAK_PASSWORD
├── InvalidCredentialsError         INVALID_CREDENTIALS
├── InvalidRefreshTokenError        INVALID_TOKEN
├── InvalidSecretError              INVALID_TOKEN
├── StepUpRequiredError             STEP_UP_REQUIRED
└── TooManyAttemptsError            RATE_LIMITED
"""

from __future__ import annotations

from collections.abc import Sequence

from kernel.errors import ConflictError, DomainError, InvalidInputError


class EmailTakenError(ConflictError):
    """Somebody has an account under this e-mail address already."""

    default_code = "EMAIL_TAKEN"

    def __init__(self) -> None:
        super().__init__("An account with this e-mail address exists already.", path=("input", "email"))


class WeakPasswordError(InvalidInputError):
    """A new password that would be guessed too soon, or that nobody can type."""

    default_code = "WEAK_PASSWORD"

    def __init__(self, message: str) -> None:
        super().__init__(message, path=("input", "password"))


class InvalidCredentialsError(DomainError):
    """E-mail and password do not fit; which of them is wrong is nobody's business."""

    default_code = "INVALID_CREDENTIALS"

    def __init__(self) -> None:
        super().__init__("E-mail address or password is wrong.")


class InvalidRefreshTokenError(DomainError):
    """A refresh token that opens nothing: unknown, expired, used up or revoked, without saying which."""

    default_code = "INVALID_TOKEN"

    def __init__(self) -> None:
        super().__init__("This refresh token is not valid any more; log in again.", path=("refreshToken",))


class TooManyAttemptsError(DomainError):
    """What was asked for rests for `retry_after` seconds, whether or not there is such an account."""

    default_code = "RATE_LIMITED"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Try again in {retry_after} s.")
        self.retry_after = retry_after


class InvalidSecretError(DomainError):
    """A secret out of a mail, a code or a ticket that opens nothing: unknown, expired or used, without saying which."""

    default_code = "INVALID_TOKEN"

    def __init__(self, path: str = "secret") -> None:
        super().__init__("This is not valid, or not any more.", path=(path,))


class StepUpRequiredError(DomainError):
    """It is too long since this session proved who uses it; `methods` would do that now."""

    default_code = "STEP_UP_REQUIRED"

    def __init__(self, methods: Sequence[str]) -> None:
        super().__init__("Confirm that it is you first.")
        self.methods = tuple(methods)
