"""All that the shop keeps about a person: collected from every subgraph, or ended in every subgraph.

A request is an event; each subgraph answers with one of its own, and a request is done when all have. The account
itself goes last, because until then it tells its owner how far things are: with its data key goes every sealed column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.calls import SubgraphCalls
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import ConflictError, NotFoundError
from kernel.events.catalogue import (
    PersonalDataCollected,
    PersonalDataErased,
    UserDataExportRequested,
    UserErased,
    UserErasureRequested,
)
from kernel.events.outbox import record
from kernel.identity import Caller
from kernel.ids import new_id
from kernel.personal_data import blank_events, open_collected
from subgraphs.users.service.login import LogIn
from subgraphs.users.service.secrets import OneTimeSecrets
from subgraphs.users.service.sessions import Sessions
from subgraphs.users.storage import accounts as stored_accounts
from subgraphs.users.storage import addresses, data_requests, factors, identities, sessions, wallet
from subgraphs.users.storage.data_requests import DataRequest, Kind
from subgraphs.users.storage.personal import PersonalKeys

OTHERS: Final = ("products", "orders", "payments", "shipping", "notifications", "recommendations", "inventory")
"""The other subgraphs that keep something about people, or events that tell of them."""

_EXPORTS_KEPT: Final = timedelta(days=7)
_PLACE: Final = "data_requests"
_ORDERS: Final = """
query($these: [_Any!]!) {
  _entities(representations: $these) { ... on User { orders(first: 100) { nodes { status } } } }
}
"""
_SETTLED: Final = frozenset({"DELIVERED", "CANCELLED", "REFUNDED", "RETURNED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataRequests:
    """Collects and erases what is kept about people."""

    database: Database
    keys: PersonalKeys
    calls: SubgraphCalls
    sessions: Sessions
    log_in: LogIn
    secrets: OneTimeSecrets
    clock: Clock
    export_key: bytes

    async def request_export(self, caller: Caller) -> DataRequest:
        """Begin to collect everything about the caller.

        Raises:
            StepUpRequiredError: there is no fresh proof.
            ConflictError: this is under way already.
        """
        async with self.database.transaction() as session:
            await self.log_in.insist_on_fresh_proof(session, caller)
            request = await self._begin(session, caller.id or "", "export")
            key = await stored_accounts.required_key(session, self.keys, request.user_id)
            own = {"users": await self._own(session, request.user_id)}
            await data_requests.take_answer(
                session, request, awaited=OTHERS, report={}, content=key.seal(_PLACE, own), finished_at=None
            )
            asked = UserDataExportRequested(user_id=request.user_id, request_id=request.id)
            await record(session, asked, subject=request.user_id)
        return request

    async def exports(self, user_id: str) -> list[DataRequest]:
        """List somebody's exports, newest first."""
        async with self.database.session() as session:
            return await data_requests.requests_of(session, user_id, kind="export")

    async def read_export(self, caller: Caller, request_id: str) -> str:
        """Give a finished export as JSON.

        Raises:
            NotFoundError: there is none of this id, or it is not finished, or not the caller's.
            StepUpRequiredError: there is no fresh proof.
        """
        async with self.database.transaction() as session:
            await self.log_in.insist_on_fresh_proof(session, caller)
            found = await data_requests.request_under_lock(session, request_id)
            key = await stored_accounts.data_key_of(session, self.keys, caller.id or "")
            if found is None or key is None or found.user_id != caller.id or not found.done or not found.content:
                raise NotFoundError("There is no such export.", path=("id",))
            return orjson.dumps(key.unseal(_PLACE, found.content), option=orjson.OPT_INDENT_2).decode()

    async def request_erasure(self, caller: Caller) -> DataRequest:
        """Begin to erase the caller; they are logged out everywhere.

        Raises:
            StepUpRequiredError: there is no fresh proof.
            ConflictError: this is under way already, or orders are.
        """
        await self.log_in.require_fresh_proof(caller)
        await self._insist_on_settled_orders(caller.id or "")
        async with self.database.transaction() as session:
            request = await self._begin(session, caller.id or "", "erasure")
            await self.sessions.revoke_all_in(session, request.user_id, reason="erasure")
            asked = UserErasureRequested(user_id=request.user_id, request_id=request.id)
            await record(session, asked, subject=request.user_id)
        return request

    async def take_collected(self, session: AsyncSession, answer: PersonalDataCollected) -> None:
        """Take in what a subgraph collected."""
        request = await data_requests.request_under_lock(session, answer.request_id)
        key = await stored_accounts.data_key_of(session, self.keys, answer.user_id)
        if request is None or key is None or answer.subgraph not in request.awaited:
            return
        content = key.unseal(_PLACE, request.content) if request.content else {}
        content[answer.subgraph] = open_collected(self.export_key, answer)
        awaited = [name for name in request.awaited if name != answer.subgraph]
        await data_requests.take_answer(
            session,
            request,
            awaited=awaited,
            report={},
            content=key.seal(_PLACE, content),
            finished_at=None if awaited else self.clock.now(),
        )
        if not awaited:
            account = await stored_accounts.account_by_id(session, self.keys, answer.user_id)
            if account is not None:
                await self.secrets.tell(session, account, "export_ready")

    async def take_erased(self, session: AsyncSession, answer: PersonalDataErased) -> None:
        """Take in that a subgraph has erased somebody; when all have, erase the account."""
        request = await data_requests.request_under_lock(session, answer.request_id)
        if request is None or answer.subgraph not in request.awaited:
            return
        awaited = [name for name in request.awaited if name != answer.subgraph]
        report = {**request.report, answer.subgraph: answer.rows}
        finished_at = None
        if not awaited:
            finished_at = self.clock.now()
            report["users"] = await self._erase_account(session, request)
        await data_requests.take_answer(
            session, request, awaited=awaited, report=report, content=None, finished_at=finished_at
        )

    async def forget_old_exports(self) -> int:
        """Remove exports that nobody fetched for long enough; tell how many."""
        async with self.database.transaction() as session:
            return await data_requests.delete_old_exports(session, self.clock.now() - _EXPORTS_KEPT)

    async def _begin(self, session: AsyncSession, user_id: str, kind: Kind) -> DataRequest:
        if not await stored_accounts.lock_account(session, user_id):
            raise NotFoundError("There is no such account.", path=("id",))
        if any(not each.done for each in await data_requests.requests_of(session, user_id, kind=kind)):
            raise ConflictError("This is under way already.")
        request = DataRequest(
            id=new_id("dreq"),
            user_id=user_id,
            kind=kind,
            awaited=OTHERS,
            report={},
            content=None,
            created_at=self.clock.now(),
            finished_at=None,
        )
        await data_requests.insert_request(session, request)
        return request

    async def _insist_on_settled_orders(self, user_id: str) -> None:
        these = {"these": [{"__typename": "User", "id": user_id}]}
        [user] = (await self.calls.execute("orders", _ORDERS, these))["_entities"]
        if any(order["status"] not in _SETTLED for order in user["orders"]["nodes"]):
            raise ConflictError("Orders are under way; ask again when they have arrived or are cancelled.")

    async def _erase_account(self, session: AsyncSession, request: DataRequest) -> Mapping[str, int]:
        account = await stored_accounts.account_by_id(session, self.keys, request.user_id, lock=True)
        await data_requests.delete_exports_of(session, request.user_id)
        await stored_accounts.delete_account(session, request.user_id)
        subject = self.keys.email_index(account.email).hex() if account else ""
        rows = await blank_events(session, request.user_id, also_subject=subject)
        await record(session, UserErased(user_id=request.user_id, request_id=request.id), subject=request.user_id)
        return {"users": 1 if account else 0, **rows}

    async def _own(self, session: AsyncSession, user_id: str) -> dict[str, Any]:
        """Collect what this subgraph keeps; secrets that protect the account are named, not shown."""
        key = await stored_accounts.data_key_of(session, self.keys, user_id)
        account = await stored_accounts.account_by_id(session, self.keys, user_id)
        if key is None or account is None:
            return {}
        books = await addresses.addresses_of(session, self.keys, [user_id])
        return {
            "account": account,
            "addresses": books.get(user_id, []),
            "sessions": await sessions.live_devices(session, self.keys, user_id, self.clock.now()),
            "second_factors": [_without_secret(each) for each in await factors.factors_of(session, key)],
            "identities": await identities.identities_of(session, key),
            "consents": await wallet.consents_of(session, user_id),
            "payment_methods": [each.label for each in await wallet.methods_of(session, key)],
        }


def _without_secret(factor: factors.Factor) -> Sequence[Any]:
    return (factor.kind, factor.name, factor.created_at, factor.last_used_at)
