"""What can be read."""

from __future__ import annotations

import strawberry

from kernel.graphql import Connection, connection
from kernel.identity import require, require_service
from kernel.pagination import Page
from subgraphs.users.api.account_types import AccessLogEntry
from subgraphs.users.api.context import Info
from subgraphs.users.api.payloads import person
from subgraphs.users.api.types import User, may_see, visible_user
from subgraphs.users.domain.roles import Role
from subgraphs.users.storage.search import Filter


@strawberry.input(description="Which users are wanted; all conditions must hold.")
class UserWhere:
    """Which users are wanted."""

    search: str | None = strawberry.field(
        default=None, description="The start of an e-mail address, or of words of a name."
    )
    role: Role | None = None

    def to_filter(self) -> Filter:
        """Read the conditions."""
        return Filter(text=self.search, role=self.role)


@strawberry.type
class Query:
    """Reads of the users subgraph."""

    @strawberry.field(description="Whoever asks; null for guests.")
    async def me(self, info: Info) -> User | None:
        """Give the caller's own account."""
        caller = info.context.caller
        if caller.id is None or not caller.authenticated or caller.is_service:
            return None
        return await visible_user(info, caller.id)

    @strawberry.field(description="One user; null when there is none, or none that the caller may see.")
    async def user(self, info: Info, id: strawberry.ID) -> User | None:  # the schema's name
        """Give one user."""
        return await visible_user(info, id) if may_see(info.context.caller, id) else None

    @strawberry.field(description="A finished copy of one's personal data, as JSON; wants fresh proof of who asks.")
    async def data_export(self, info: Info, id: strawberry.ID) -> str:
        """Give an export."""
        person(info.context.caller)
        return await info.context.service.personal_data.read_export(info.context.caller, id)

    @strawberry.field(description="Who of the shop looked at or changed whose data, newest first; for administrators.")
    async def access_log(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        subject_id: strawberry.ID | None = None,
        actor_id: strawberry.ID | None = None,
    ) -> Connection[AccessLogEntry]:
        """Give one page of the access log."""
        page = Page(first, after, last, before)
        log = await info.context.service.staff.log(info.context.caller, page, subject_id=subject_id, actor_id=actor_id)
        return connection(log.map(AccessLogEntry.of))

    @strawberry.federation.field(
        inaccessible=True, description="The provider's token of somebody's payment method, for who takes the money."
    )
    async def payment_method_token(self, info: Info, id: strawberry.ID, user_id: strawberry.ID) -> str | None:
        """Give the token of a payment method, if it is this person's."""
        require_service(info.context.caller)
        return await info.context.service.wallet.token_of(user_id, id)

    @strawberry.field(description="All users, newest first; for the staff.")
    async def users(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        where: UserWhere | None = None,
    ) -> Connection[User]:
        """Give one page of users."""
        require(info.context.caller, kinds={"staff", "admin"})
        accounts, wanted = info.context.service.accounts, (where or UserWhere()).to_filter()
        page = await accounts.search(Page(first, after, last, before), wanted)
        await info.context.service.staff.note_reading(info.context.caller, [each.id for each in page.items])
        return connection(page.map(User.of), count=lambda: accounts.count(wanted))
