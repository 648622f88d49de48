"""Settings of who may do what."""

from __future__ import annotations

from typing import Literal

from router.sections import Section, demand


class AuthorizationErrorSettings(Section, frozen=True):
    """What is said of fields that a caller may not have.

    Attributes:
        response: where clients are told: in `errors`, in the `extensions` as `authorizationErrors`, or nowhere.
        log: whether it is written to the log.
    """

    response: Literal["errors", "extensions", "disabled"] = "errors"
    log: bool = True


class PolicySettings(Section, frozen=True):
    """Who decides on `@policy`.

    Attributes:
        function: an async Python function, as `package.module:name` or `path/to/file.py:name`. It is given a
            `router.policy.policies.Question` and returns the names of the policies that hold.
        timeout: seconds that it may take; after that no policy holds.
        remember: seconds for which its answer is used for equal questions; 0 asks for every request.
    """

    function: str
    timeout: float = 2.0
    remember: float = 0.0

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(":" in self.function, "function must be written as package.module:name")
        demand(self.timeout > 0, "timeout must be more than 0")
        demand(self.remember >= 0, "remember must not be negative")


class AuthorizationSettings(Section, frozen=True):
    """What becomes of operations that ask for more than their caller may have.

    The schema says what is needed: `@authenticated`, `@requiresScopes` and `@policy`. Without these nothing here has an
    effect, but for `require_authentication`.

    Attributes:
        enabled: whether these directives are enforced.
        require_authentication: whether everybody must be known; those who are not are answered with 401.
        reject: whether an operation that asks for too much is refused as a whole, with 403; else the fields that may
            not be had are null, and are not fetched.
        dry_run: whether it is only said what would be withheld.
        errors: where it is said.
        policies: who decides on `@policy`; without, no policy holds.
    """

    enabled: bool = True
    require_authentication: bool = False
    reject: bool = False
    dry_run: bool = False
    errors: AuthorizationErrorSettings = AuthorizationErrorSettings()
    policies: PolicySettings | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        demand(not (self.reject and self.dry_run), "reject and dry_run do not go together")
