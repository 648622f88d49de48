"""From a client's headers to what goes on to the subgraphs with its request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router.execution.exchange import NO_HEADERS, HeaderLines, Headers, RequestContext
from router.policy.api_keys import ApiKeys, by_way_of
from router.policy.header_rules import HeaderRules
from router.policy.header_settings import HeaderSettings
from router.policy.identity import (
    ANONYMOUS,
    Identity,
    IdentityError,
    InvalidTokenError,
    credentials,
    insist_on_own_page,
)
from router.policy.internal_token import InternalTokenSigner, SubgraphHeaders
from router.policy.issuers import Verifier
from router.policy.proxies import TrustedProxies
from router.policy.revocation import Revocations
from router.server.errors import UnidentifiedError
from router.server.exchange import CLIENT_ADDRESS
from router.telemetry.correlation import trace_headers

_LONGEST_AGENT: Final = 200


def client_headers(headers: Mapping[bytes, bytes], proxies: TrustedProxies) -> Headers:
    """Return where a request came from and with which program, for the subgraph that keeps watch over log-ins."""
    address = proxies.client(headers.get(CLIENT_ADDRESS, b""), headers)
    found = (("x-client-address", address), ("x-client-agent", headers.get(b"user-agent")))
    return tuple((name, value[:_LONGEST_AGENT].decode("latin-1")) for name, value in found if value)


class Callers:
    """Knows the callers and passes on who they are.

    Args:
        headers: which of the client's headers the subgraphs get.
        verifier: tells callers by their tokens; without one, tokens are not looked at and nobody is told apart.
        signer: makes the tokens for the subgraphs; without one, they get none.
        api_keys: tells partners by their keys; without, keys are not looked at.
        revoked: knows which tokens were taken back; without, none are.
        rules: makes the headers of each subgraph; without, all get the same.
        tells_addresses: whether it is asked from which address a request comes.
    """

    def __init__(
        self,
        headers: HeaderSettings,
        verifier: Verifier | None,
        signer: InternalTokenSigner | None,
        *,
        api_keys: ApiKeys | None = None,
        revoked: Revocations | None = None,
        rules: HeaderRules | None = None,
        tells_addresses: bool = False,
    ) -> None:
        self._api_keys = api_keys
        self._revoked = revoked
        self._rules = rules
        self._tells_addresses = tells_addresses
        self._forward = tuple((name.lower().encode(), name.lower()) for name in headers.forward)
        self._proxies = TrustedProxies(headers.trusted_proxies)
        self._verifier = verifier
        self._signer = signer

    @property
    def asks(self) -> bool:
        """Whether every request must have a caller."""
        return self._verifier is not None or self._api_keys is not None

    def known(self, headers: Mapping[bytes, bytes]) -> Identity | None:
        """Return who sent a request, if that can be told at once.

        Raises:
            UnidentifiedError: the credentials do not hold.
        """
        if self._verifier is None and self._api_keys is None:
            return None if self._signer is None else ANONYMOUS
        identity = ANONYMOUS if self._verifier is None else self._verifier.remembered(credentials(headers))
        if identity is None or (self._revoked is not None and not self._revoked.is_known):
            return None
        return self._held(identity, headers)

    async def identify(self, headers: Mapping[bytes, bytes]) -> Identity | None:
        """Return who sent a request, or None where that is not asked.

        Raises:
            UnidentifiedError: the credentials do not hold.
        """
        identity = self.known(headers)
        if identity is not None or not self.asks:
            return identity
        if self._revoked is not None:
            await self._revoked.learn()
        if self._verifier is None:
            return self._held(ANONYMOUS, headers)
        try:
            identity = await self._verifier.identify(credentials(headers))
        except IdentityError as error:
            raise UnidentifiedError(error) from error
        return self._held(identity, headers)

    async def aclose(self) -> None:
        """Close connections to stores."""
        if self._revoked is not None:
            await self._revoked.aclose()

    def _held(self, identity: Identity, headers: Mapping[bytes, bytes]) -> Identity:
        """Return somebody whose token is good, if that is all that it takes.

        Raises:
            UnidentifiedError: it is not.
        """
        try:
            if self._revoked is not None and self._revoked.hold(identity):
                raise InvalidTokenError("the token was revoked")
            insist_on_own_page(identity, headers)
            return identity if self._api_keys is None else by_way_of(identity, self._api_keys.partner(headers))
        except IdentityError as error:
            raise UnidentifiedError(error) from error

    def forwarded(self, headers: Mapping[bytes, bytes]) -> Headers:
        """Return the client's headers that are passed on; where subgraphs get different ones, all of these."""
        if self._rules is not None:
            return tuple({pair: None for made in self._rules.headers(headers).values() for pair in made})
        if not self._forward:
            return NO_HEADERS
        return tuple((name, headers[key].decode("latin-1")) for key, name in self._forward if key in headers)

    def context(
        self, identity: Identity | None, forwarded: Headers, request_id: bytes, headers: Mapping[bytes, bytes]
    ) -> RequestContext:
        """Return what travels with the request."""
        trace = trace_headers(request_id, headers)
        own = None
        if self._rules is not None:
            own, forwarded = self._rules.headers(headers), NO_HEADERS
        address = self._address(headers) if self._tells_addresses else ""
        if identity is None:
            return RequestContext(headers=forwarded, subgraph_headers=own, trace=HeaderLines(trace), address=address)
        return RequestContext(
            headers=forwarded,
            trace=HeaderLines(trace + client_headers(headers, self._proxies)),
            subgraph_headers=own if self._signer is None else _joined(own, self._signer.headers(identity)),
            identity=identity.facts,
            value=identity,
            address=address,
        )

    def _address(self, headers: Mapping[bytes, bytes]) -> str:
        return self._proxies.client(headers.get(CLIENT_ADDRESS, b""), headers).decode("latin-1")


def _joined(own: Mapping[str, Headers] | None, tokens: SubgraphHeaders) -> Mapping[str, Headers]:
    """Return the headers of subgraphs with their tokens, which nothing that a client sends takes the place of."""
    if own is None:
        return tokens
    return {
        name: (*(pair for pair in own.get(name, ()) if pair[0] != "authorization"), *token)
        for name, token in tokens.items()
    }
