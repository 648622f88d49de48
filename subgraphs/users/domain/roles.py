"""Who may do what: the roles an account can have and the scopes that each of them brings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A hat that an account wears; it may wear several."""

    CUSTOMER = "customer"
    VENDOR = "vendor"
    STAFF = "staff"
    SUPPORT = "support"
    WAREHOUSE = "warehouse"
    ADMIN = "admin"


_WAREHOUSE: Final = frozenset({"stock:write", "shipments:write"})
_SUPPORT: Final = frozenset({"orders:read", "users:read", "notifications:read", "users:impersonate", "sessions:revoke"})
_STAFF: Final = frozenset({"orders:read", "orders:write", "users:read", "notifications:read"})

SCOPES: Final[Mapping[Role, frozenset[str]]] = {
    Role.CUSTOMER: frozenset(),
    Role.VENDOR: frozenset({"products:write"}),
    Role.WAREHOUSE: _WAREHOUSE,
    Role.STAFF: _STAFF,
    Role.SUPPORT: _SUPPORT,
    Role.ADMIN: _WAREHOUSE | _STAFF | _SUPPORT | {"products:write", "payments:refund", "users:write", "audit:read"},
}
"""What each role allows beyond one's own affairs; the router's `@requiresScopes` asks for these names."""


def scopes_of(roles: Iterable[Role]) -> frozenset[str]:
    """Tell all scopes that these roles bring together."""
    return frozenset().union(*(SCOPES[role] for role in roles))
