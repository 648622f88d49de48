"""How the messages of one operation are told from those of the others where a connection carries several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Dialect:
    """The messages of a protocol, with gaps for the operation's id as JSON.

    Attributes:
        before: what comes before a result.
        after: what comes after it.
        failure: the end with errors, which fill the second gap.
        complete: the end.
        completes_failures: whether an end with errors is followed by the word of the end.
    """

    before: bytes
    after: bytes
    failure: bytes
    complete: bytes
    completes_failures: bool = False

    def failed(self, number: bytes, errors: bytes) -> bytes:
        """Return what tells that an operation ends with errors."""
        told = self.failure % (number, errors)
        return told + self.complete % number if self.completes_failures else told


WEBSOCKET: Final = Dialect(
    before=b'{"id":%b,"type":"next","payload":',
    after=b"}",
    failure=b'{"id":%b,"type":"error","payload":%b}',
    complete=b'{"id":%b,"type":"complete"}',
)
"""`graphql-transport-ws`."""
EVENTS: Final = Dialect(
    before=b'event: next\ndata: {"id":%b,"payload":',
    after=b"}\n\n",
    failure=b'event: next\ndata: {"id":%b,"payload":{"errors":%b}}\n\n',
    complete=b'event: complete\ndata: {"id":%b}\n\n',
    completes_failures=True,
)
"""graphql-sse, where one connection carries all operations of a client."""
