"""From a client's headers to what goes on to the subgraphs with its request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router.config import HeaderSettings
from router.execution.exchange import NO_HEADERS, HeaderLines, Headers, RequestContext
from router.policy.identity import (
    ANONYMOUS,
    Identity,
    IdentityError,
    TokenVerifier,
    credentials,
    insist_on_own_page,
)
from router.policy.internal_token import InternalTokenSigner
from router.server.errors import UnidentifiedError
from router.server.exchange import CLIENT_ADDRESS
from router.telemetry.correlation import trace_headers

_LONGEST_AGENT: Final = 200


def client_headers(headers: Mapping[bytes, bytes], trusted: frozenset[bytes] = frozenset()) -> Headers:
    """Return where a request came from and with which program, for the subgraph that keeps watch over log-ins."""
    address = _address(headers.get(CLIENT_ADDRESS, b""), headers, trusted)
    found = (("x-client-address", address), ("x-client-agent", headers.get(b"user-agent")))
    return tuple((name, value[:_LONGEST_AGENT].decode("latin-1")) for name, value in found if value)


def _address(peer: bytes, headers: Mapping[bytes, bytes], trusted: frozenset[bytes]) -> bytes:
    """Follow a request back through trusted proxies; what others say of its way is not believed."""
    if peer not in trusted:
        return peer
    way = [each.strip() for each in headers.get(b"x-forwarded-for", b"").split(b",")]
    return next((each for each in reversed(way) if each and each not in trusted), peer)


class Callers:
    """Knows the callers and passes on who they are.

    Args:
        headers: which of the client's headers the subgraphs get.
        verifier: tells callers by their tokens; without one, tokens are not looked at and nobody is told apart.
        signer: makes the tokens for the subgraphs; without one, they get none.
        tells_addresses: whether it is asked from which address a request comes.
    """

    def __init__(
        self,
        headers: HeaderSettings,
        verifier: TokenVerifier | None,
        signer: InternalTokenSigner | None,
        *,
        tells_addresses: bool = False,
    ) -> None:
        self._tells_addresses = tells_addresses
        self._forward = tuple((name.lower().encode(), name.lower()) for name in headers.forward)
        self._trusted = frozenset(address.encode() for address in headers.trusted_proxies)
        self._verifier = verifier
        self._signer = signer

    @property
    def asks(self) -> bool:
        """Whether every request must have a caller."""
        return self._verifier is not None

    def known(self, headers: Mapping[bytes, bytes]) -> Identity | None:
        """Return who sent a request, if that can be told at once.

        Raises:
            UnidentifiedError: the credentials do not hold.
        """
        if self._verifier is None:
            return None if self._signer is None else ANONYMOUS
        identity = self._verifier.remembered(credentials(headers))
        if identity is not None:
            _insist_on_own_page(identity, headers)
        return identity

    async def identify(self, headers: Mapping[bytes, bytes]) -> Identity | None:
        """Return who sent a request, or None where that is not asked.

        Raises:
            UnidentifiedError: the credentials do not hold.
        """
        identity = self.known(headers)
        if identity is None and self._verifier is not None:
            try:
                identity = await self._verifier.identify(credentials(headers))
            except IdentityError as error:
                raise UnidentifiedError(error) from error
            _insist_on_own_page(identity, headers)
        return identity

    def forwarded(self, headers: Mapping[bytes, bytes]) -> Headers:
        """Return the client's headers that are passed on."""
        if not self._forward:
            return NO_HEADERS
        return tuple((name, headers[key].decode("latin-1")) for key, name in self._forward if key in headers)

    def context(
        self, identity: Identity | None, forwarded: Headers, request_id: bytes, headers: Mapping[bytes, bytes]
    ) -> RequestContext:
        """Return what travels with the request."""
        trace = trace_headers(request_id, headers)
        address = self._address(headers) if self._tells_addresses else ""
        if identity is None:
            return RequestContext(headers=forwarded, trace=HeaderLines(trace), address=address)
        return RequestContext(
            headers=forwarded,
            trace=HeaderLines(trace + client_headers(headers, self._trusted)),
            subgraph_headers=None if self._signer is None else self._signer.headers(identity),
            identity=identity.facts,
            value=identity,
            address=address,
        )

    def _address(self, headers: Mapping[bytes, bytes]) -> str:
        return _address(headers.get(CLIENT_ADDRESS, b""), headers, self._trusted).decode("latin-1")


def _insist_on_own_page(identity: Identity, headers: Mapping[bytes, bytes]) -> None:
    try:
        insist_on_own_page(identity, headers)
    except IdentityError as error:
        raise UnidentifiedError(error) from error
