"""What the shop's people do with others' accounts."""

from __future__ import annotations

import strawberry

from subgraphs.users.api.context import Info
from subgraphs.users.api.payloads import DonePayload, SessionPayload, UserPayload, answer, done, person, session_shown
from subgraphs.users.api.types import User
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.roles import Role


def _user_shown(account: Account) -> dict[str, User]:
    return {"user": User.of(account)}


@strawberry.type
class StaffMutations:
    """Written down, each time, in the access log."""

    @strawberry.mutation(description="Give an account exactly these roles beside CUSTOMER; for administrators.")
    async def user_roles_set(self, info: Info, id: strawberry.ID, roles: list[Role]) -> UserPayload:
        """Set roles."""
        staff, caller = info.context.service.staff, info.context.caller
        return await answer(UserPayload, lambda: staff.set_roles(caller, id, roles), _user_shown)

    @strawberry.mutation(description="Open an account for a colleague, who gets a mail; for administrators.")
    async def staff_invite(self, info: Info, email: str, name: str, roles: list[Role]) -> UserPayload:
        """Invite a colleague."""
        staff, caller = info.context.service.staff, info.context.caller
        return await answer(UserPayload, lambda: staff.invite(caller, email=email, name=name, roles=roles), _user_shown)

    @strawberry.mutation(
        description="Act in a customer's name for half an hour, to see what they see; for the support."
    )
    async def user_impersonate(self, info: Info, id: strawberry.ID, reason: str) -> SessionPayload:
        """Act in somebody's name."""
        staff, caller = info.context.service.staff, info.context.caller
        return await answer(SessionPayload, lambda: staff.impersonate(caller, id, reason=reason), session_shown)

    @strawberry.mutation(
        description="End all log-ins of somebody whose account is in the wrong hands; for the support."
    )
    async def user_sessions_revoke(self, info: Info, id: strawberry.ID) -> DonePayload:
        """End somebody's sessions."""
        staff, caller = info.context.service.staff, info.context.caller
        person(caller)
        return await answer(DonePayload, lambda: staff.revoke_sessions(caller, id), done)
