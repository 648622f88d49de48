"""Sends a message to a partner's URL, whatever waits there.

The host is resolved once for each try, every address it leads to must be allowed, and the connection goes to just
these: a name that leads elsewhere a moment later (DNS rebinding) gains nothing. Redirects are not followed, of an
answer only the beginning is read, and all of it must happen within a time.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override
from yarl import URL

from subgraphs.notifications.domain.addresses import AddressRules, ForbiddenAddressError
from subgraphs.notifications.domain.webhooks import Receipt

_EXCERPT: Final = 500
_ACCEPTED: Final = range(200, 300)

Lookup = Callable[[str, int], Any]
"""Gives the addresses of a host, as `loop.getaddrinfo` does."""


class Receiver:
    """Posts to URLs of partners.

    Args:
        rules: which addresses may be called.
        patience: seconds that a receiver has for everything.
        lookup: resolves a host; the operating system's way unless told.
    """

    def __init__(self, rules: AddressRules, *, patience: float = 15.0, lookup: Lookup | None = None) -> None:
        self._rules = rules
        self._timeout = aiohttp.ClientTimeout(total=patience, sock_connect=min(patience, 5.0))
        self._lookup = lookup or _system_lookup

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> Receipt:
        """Send a message; what goes wrong is told in the receipt."""
        try:
            target = URL(url)
            if self._rules.check_url(url).hostname != target.raw_host:
                return Receipt(error="The URL can be read in two ways.")
            connector = aiohttp.TCPConnector(
                resolver=_GuardedResolver(self._rules, self._lookup),
                use_dns_cache=False,
                force_close=True,
            )
            async with aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, auto_decompress=False, trust_env=False
            ) as session:
                return await _post(session, target, headers, body)
        except ForbiddenAddressError as error:
            return Receipt(error=error.message)
        except TimeoutError:
            return Receipt(error=f"No answer within {self._timeout.total:g} seconds.")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Receipt(error=_spoken(error))


async def _post(session: aiohttp.ClientSession, url: URL, headers: Mapping[str, str], body: str) -> Receipt:
    sent = {**headers, "content-type": "application/json", "accept-encoding": "identity", "user-agent": "Storegraph"}
    async with session.post(url, data=body.encode(), headers=sent, allow_redirects=False) as answer:
        if 300 <= answer.status < 400:
            return Receipt(status=answer.status, error="It answered with a redirect, and those are not followed.")
        excerpt = "" if answer.status in _ACCEPTED else await _beginning(answer)
        return Receipt(status=answer.status, excerpt=excerpt, retry_after=_retry_after(answer))


async def _beginning(answer: aiohttp.ClientResponse) -> str:
    """Read the beginning of an answer; how it ends, and whether, does not matter."""
    try:
        return (await answer.content.read(_EXCERPT)).decode(errors="replace").replace("\0", "")
    except (aiohttp.ClientError, OSError):
        return ""


def _retry_after(answer: aiohttp.ClientResponse) -> timedelta | None:
    wish = answer.headers.get("retry-after", "")
    return timedelta(seconds=int(wish)) if wish.isascii() and wish.isdecimal() and len(wish) < 7 else None


def _spoken(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(cause, ForbiddenAddressError):
        return cause.message
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "The host has no address."
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "The certificate of the host is not valid."
    return f"The connection failed: {type(error).__name__}."


class _GuardedResolver(AbstractResolver):
    """Resolves a host, and gives its addresses only if all of them may be called."""

    def __init__(self, rules: AddressRules, lookup: Lookup) -> None:
        self._rules = rules
        self._lookup = lookup

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the addresses of a host."""
        found = [(kind, place[0]) for kind, *_, place in await self._lookup(host, port)]
        for _, address in found:
            self._rules.check(ip_address(address.partition("%")[0]))
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, address in found
        ]

    @override
    async def close(self) -> None:
        """Hold nothing."""


async def _system_lookup(host: str, port: int) -> Any:
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
