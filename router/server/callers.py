"""From a client's headers to what goes on to the subgraphs with its request."""

from __future__ import annotations

from collections.abc import Mapping

from router.config import HeaderSettings
from router.execution.exchange import NO_HEADERS, Headers, RequestContext
from router.policy.identity import ANONYMOUS, Identity, IdentityError, TokenVerifier
from router.policy.internal_token import InternalTokenSigner
from router.server.errors import UnidentifiedError
from router.telemetry.correlation import trace_headers


class Callers:
    """Knows the callers and passes on who they are.

    Args:
        headers: which of the client's headers the subgraphs get.
        verifier: tells callers by their tokens; without one, tokens are not looked at and nobody is told apart.
        signer: makes the tokens for the subgraphs; without one, they get none.
    """

    def __init__(
        self, headers: HeaderSettings, verifier: TokenVerifier | None, signer: InternalTokenSigner | None
    ) -> None:
        self._forward = tuple((name.lower().encode(), name.lower()) for name in headers.forward)
        self._verifier = verifier
        self._signer = signer

    async def identify(self, headers: Mapping[bytes, bytes]) -> Identity | None:
        """Return who sent a request, or None where that is not asked.

        Raises:
            UnidentifiedError: the credentials do not hold.
        """
        if self._verifier is None:
            return None if self._signer is None else ANONYMOUS
        authorization = headers.get(b"authorization")
        known = self._verifier.remembered(authorization)
        if known is not None:
            return known
        try:
            return await self._verifier.identify(authorization)
        except IdentityError as error:
            raise UnidentifiedError(error) from error

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
        if identity is None:
            return RequestContext(headers=forwarded, trace=trace)
        return RequestContext(
            headers=forwarded,
            trace=trace,
            subgraph_headers={} if self._signer is None else self._signer.headers(identity),
            identity=identity.facts,
            value=identity,
        )
