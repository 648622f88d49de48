"""From what a client sent to the operation that is run: by id, by digest, or spelt out and known.

Requests that spell their operation out without naming it come here only where the settings say that not every operation
is taken. What was found about a spelling is remembered, so that it is parsed once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import structlog

from router.config import RouterSettings
from router.execution.exchange import GraphQLRequest
from router.operations.automatic import AutomaticQueries, document_store
from router.operations.clients import ClientGate
from router.operations.errors import (
    DigestsUnsupportedError,
    IdAndTextError,
    IdRequiredError,
    NamingError,
    NotInListError,
    NotInSafelistError,
)
from router.operations.fingerprint import fingerprint, only_introspects, read
from router.operations.lists import OperationList, known_clients, read_operations
from router.operations.manifest import StoredOperation, digest
from router.operations.usage import UsageCounter

_LOG: Final = structlog.get_logger("router.operations")
_REMEMBERED: Final = 4_000
_LONGEST_REMEMBERED: Final = 16_384
"""Characters of a spelling that is remembered: clients may send any number of long ones that nobody published."""
_ID_PREFIX: Final = "sha256:"


@dataclass(frozen=True, slots=True)
class StoredRequest(GraphQLRequest):
    """A request for a published operation; whoever enforces budgets finds the operation's here."""

    operation: StoredOperation | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class _Spelling:
    """What is known of a document that a client spelt out."""

    mark: str
    introspects: bool


class Published:
    """The published operations: who may run which, and how they must be named.

    Args:
        operations: all of them.
        gate: tells clients.
        mode: which others are taken.
        introspection: whether documents that ask only for the schema are taken.
        usage: counts; None where that is not wanted.
    """

    def __init__(
        self,
        operations: OperationList,
        gate: ClientGate,
        mode: str,
        *,
        introspection: bool = True,
        usage: UsageCounter | None = None,
    ) -> None:
        self.operations = operations
        self.gate = gate
        self.mode = mode
        self._introspection = introspection
        self._usage = usage
        self._spellings: OrderedDict[str, _Spelling | None] = OrderedDict()
        self._reported: OrderedDict[tuple[str, str | None], None] = OrderedDict()

    def named(self, operation_id: str, client: str | None) -> StoredOperation | None:
        """Return the operation of an id, and count its use."""
        operation = self.operations.find(operation_id, client)
        if operation is not None:
            self.count(operation, client)
        return operation

    def count(self, operation: StoredOperation, client: str | None) -> None:
        """Count one use of an operation."""
        if self._usage is not None:
            self._usage.count(operation.id, client)

    async def spelt_out(self, text: str, client: str | None) -> StoredOperation | None:
        """Return the published operation that a document spells out; None for one that may run all the same.

        Raises:
            IdRequiredError: operations must be named.
            NotInSafelistError: only published ones are run.
        """
        if self.mode == "require-id":
            raise IdRequiredError
        spelling = await self._spelling(text)
        operation = None if spelling is None else self.operations.match(spelling.mark, client)
        if operation is not None:
            self.count(operation, client)
        elif spelling is not None and spelling.introspects and self._introspection:
            return None
        elif self.mode == "safelist":
            raise NotInSafelistError
        else:
            self._report(text, client)
        return operation

    async def _spelling(self, text: str) -> _Spelling | None:
        if text in self._spellings:
            self._spellings.move_to_end(text)
            return self._spellings[text]
        spelling = await asyncio.to_thread(_look_at, text)
        if len(text) <= _LONGEST_REMEMBERED:
            _remember(self._spellings, text, spelling)
        return spelling

    def _report(self, text: str, client: str | None) -> None:
        """Write down an operation that nobody published, once for each client."""
        named = digest(text)
        if (named, client) not in self._reported:
            _remember(self._reported, (named, client), None)
            _LOG.warning("an operation was not published", client=client, id=named, operation=text[:500])

    def close(self) -> None:
        """Write down what was counted."""
        if self._usage is not None:
            self._usage.close()


def _look_at(text: str) -> _Spelling | None:
    document = read(text)
    return None if document is None else _Spelling(fingerprint(document), only_introspects(document))


def _remember(known: OrderedDict[Any, Any], key: object, value: object) -> None:
    known[key] = value
    if len(known) > _REMEMBERED:
        known.popitem(last=False)


class OperationResolver:
    """Finds what is to be run.

    Args:
        automatic: knows documents by their digest; None where they are not remembered.
        published: knows published operations; None where there are none.

    Attributes:
        insists: whether every request must come here, also one that spells its operation out.
        tells_clients: whether the same request may mean something else when another client sends it.
        counts: whether some published operations may be run only so often.
    """

    def __init__(self, automatic: AutomaticQueries | None, published: Published | None) -> None:
        self.insists = published is not None and published.mode != "open"
        self.tells_clients = published is not None
        budgets = () if published is None else (each.budget for each in published.operations)
        self.counts = any(each is not None and each.requests is not None for each in budgets)
        self._automatic = automatic
        self._published = published

    def client(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Return which client sent a request, as far as that matters to what it may run.

        Raises:
            ClientRefusedError: it is not the one that it names.
        """
        return None if self._published is None else self._published.gate.identify(headers)

    def published_document(self, operation_id: str) -> str | None:
        """Return the document that was published under an id for all clients."""
        found = None if self._published is None else self._published.operations.find(operation_id, None)
        return None if found is None else found.body

    def published_documents(self) -> tuple[str, ...]:
        """Return all documents that were published, each once."""
        operations = () if self._published is None else self._published.operations
        return tuple(dict.fromkeys(each.body for each in operations))

    async def resolve(self, request: GraphQLRequest, headers: Mapping[bytes, bytes]) -> GraphQLRequest:
        """Return a request with the document that is to be run.

        Raises:
            OperationRefusedError: there is none, or it must not be run.
        """
        operation_id = _named(request)
        client = self.client(headers)
        if operation_id is not None:
            return await self._by_id(request, operation_id, client)
        if self._published is not None and self.insists:
            stored = await self._published.spelt_out(request.query, client)
            return request if stored is None else _stored(request, stored, client, request.query)
        return request

    async def _by_id(self, request: GraphQLRequest, operation_id: str, client: str | None) -> GraphQLRequest:
        published = self._published
        if published is not None:
            if request.query and published.mode in ("safelist", "require-id"):
                raise IdAndTextError
            stored = published.named(operation_id, client)
            if stored is not None:
                return _stored(request, stored, client, stored.body)
            if published.mode in ("safelist", "require-id") or self._automatic is None:
                raise NotInListError(operation_id)
        if self._automatic is None:
            raise DigestsUnsupportedError
        document = await self._automatic.document(operation_id, request.query or None)
        if published is not None and self.insists:
            await published.spelt_out(document, client)
        return replace(request, query=document)

    def routed(self, request: GraphQLRequest, operation_id: str, headers: Mapping[bytes, bytes]) -> GraphQLRequest:
        """Return the request of a route as one for the operation that the route names, and count its use.

        Raises:
            ClientRefusedError: the client is not the one that it names.
        """
        published = self._published
        stored = None if published is None else published.operations.find(operation_id, None)
        if published is None or stored is None:
            return request
        client = self.client(headers)
        published.count(stored, client)
        return _stored(request, stored, client, request.query)

    def close(self) -> None:
        """Write down what was counted."""
        if self._published is not None:
            self._published.close()

    async def aclose(self) -> None:
        """Let go of the store."""
        if self._automatic is not None:
            await self._automatic.close()


def _named(request: GraphQLRequest) -> str | None:
    """Return the id by which a request names its operation; None if it names none."""
    block = (request.extensions or {}).get("persistedQuery")
    if block is None:
        return None
    found = block.get("sha256Hash") if isinstance(block, dict) and block.get("version") == 1 else None
    if not isinstance(found, str) or not found:
        raise NamingError
    return found.removeprefix(_ID_PREFIX)


def _stored(request: GraphQLRequest, operation: StoredOperation, client: str | None, text: str) -> StoredRequest:
    return StoredRequest(text, request.variables, request.operation_name, request.extensions, operation, client)


def operation_resolver(settings: RouterSettings) -> OperationResolver:
    """Make the resolver that the settings ask for; reads the published operations.

    Raises:
        ConfigError: they cannot be used.
    """
    stored = settings.persisted_operations
    enforced = stored.mode in ("safelist", "require-id")
    automatic = AutomaticQueries(document_store(settings.apq)) if settings.apq.enabled and not enforced else None
    if stored.path is None:
        return OperationResolver(automatic, None)
    path = Path(stored.path)
    gate = ClientGate(known_clients(path, stored.clients), stored.client_header, stored.key_header)
    usage = None if stored.usage is None else UsageCounter(Path(stored.usage))
    operations = OperationList(read_operations(path))
    published = Published(operations, gate, stored.mode, introspection=settings.introspection_is_on, usage=usage)
    return OperationResolver(automatic, published)
