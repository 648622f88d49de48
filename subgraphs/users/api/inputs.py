"""What clients send; a field that is left out stays as it is, one that is null is cleared."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import UNSET

from kernel.errors import InvalidInputError
from kernel.graphql import CurrencyCode
from subgraphs.users.domain.addresses import PostalFields
from subgraphs.users.domain.factors import Proof


@strawberry.input
class UserRegisterInput:
    """A new account."""

    email: str
    password: str = strawberry.field(description="8 to 256 characters of any kind.")
    name: str
    language: str = "en"


@strawberry.input
class UserUpdateInput:
    """Changes of one's own profile."""

    name: str | None = UNSET
    phone: str | None = UNSET
    language: str | None = UNSET
    currency: CurrencyCode | None = UNSET


@strawberry.input(description="Proof of a second factor: exactly one of these.")
class ProofInput:
    """Proof of a second factor."""

    code: str | None = strawberry.field(default=None, description="Of an authenticator app.")
    recovery_code: str | None = None
    authenticator: str | None = strawberry.field(
        default=None, description="The answer of `navigator.credentials.get()`, as JSON."
    )

    def to_domain(self) -> Proof:
        """Read the proof.

        Raises:
            InvalidInputError: it is none, or several.
        """
        if sum(value is not None for value in vars(self).values()) != 1:
            raise InvalidInputError("Bring exactly one proof.", path=("proof",))
        return Proof(code=self.code, recovery_code=self.recovery_code, authenticator=self.authenticator)


@strawberry.input(description="A payment provider's token to pay with later.")
class PaymentMethodInput:
    """A new payment method."""

    token: str = strawberry.field(description="What the provider made of the card; never the card's number.")
    label: str = strawberry.field(description="How its owner recognises it, such as `Visa 4242`.")
    is_default: bool = False


@strawberry.input
class UserAddressInput:
    """A new address."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str = strawberry.field(description="ISO 3166-1 alpha-2.")
    line2: str = ""
    region: str = ""
    phone: str | None = None
    is_default_shipping: bool = False
    is_default_billing: bool = False

    def to_domain(self) -> PostalFields:
        """Read the address."""
        return PostalFields(**given(self))


@strawberry.input
class UserAddressUpdateInput:
    """Changes of an address."""

    name: str | None = UNSET
    line1: str | None = UNSET
    city: str | None = UNSET
    postal_code: str | None = UNSET
    country: str | None = UNSET
    line2: str | None = UNSET
    region: str | None = UNSET
    phone: str | None = UNSET
    is_default_shipping: bool | None = UNSET
    is_default_billing: bool | None = UNSET


def given(fields: object) -> dict[str, Any]:
    """Give the fields of an input that the client sent, by their names in Python."""
    return {name: value for name, value in vars(fields).items() if value is not UNSET}
