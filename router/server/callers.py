"""From a client's headers to what goes on to the subgraphs with its request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from router.execution.exchange import NO_HEADERS, NO_LABELS, HeaderLines, Headers, RequestContext
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
from router.server.exchange import CLIENT_ADDRESS, RequestHeaders
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
        passed_over: makes the `traceparent` of a request of which nobody wants to see a trace; without, it has none.
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
        passed_over: Callable[[bytes], str] | None = None,
    ) -> None:
        self._passed_over = passed_over
        self._api_keys = api_keys
        self.revoked = revoked
        """Knows which tokens were taken back, where that is asked."""
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
        if identity is None or (self.revoked is not None and not self.revoked.is_known):
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
        if self.revoked is not None:
            await self.revoked.learn()
        if self._verifier is None:
            return self._held(ANONYMOUS, headers)
        try:
            identity = await self._verifier.identify(credentials(headers))
        except IdentityError as error:
            raise UnidentifiedError(error) from error
        return self._held(identity, headers)

    async def aclose(self) -> None:
        """Close connections to stores."""
        if self.revoked is not None:
            await self.revoked.aclose()

    def _held(self, identity: Identity, headers: Mapping[bytes, bytes]) -> Identity:
        """Return somebody whose token is good, if that is all that it takes.

        Raises:
            UnidentifiedError: it is not.
        """
        try:
            if self.revoked is not None and self.revoked.hold(identity):
                raise InvalidTokenError("the token was revoked")
            insist_on_own_page(identity, headers)
            return identity if self._api_keys is None else by_way_of(identity, self._api_keys.partner(headers))
        except IdentityError as error:
            raise UnidentifiedError(error) from error

    def forwarded(self, headers: Mapping[bytes, bytes]) -> Headers:
        """Return the client's headers that are passed on; where subgraphs get different ones, all of these."""
        return self._sender(headers).forwarded

    def address(self, headers: Mapping[bytes, bytes]) -> str:
        """Return the client's address in the network, where that is asked."""
        return self._sender(headers).address

    def context(
        self, identity: Identity | None, forwarded: Headers, request_id: bytes, headers: Mapping[bytes, bytes]
    ) -> RequestContext:
        """Return what travels with the request."""
        sender = self._sender(headers)
        trace = trace_headers(request_id, headers, self._passed_over)
        own = sender.own
        if own is not None:
            forwarded = NO_HEADERS
        if identity is None:
            return RequestContext(forwarded, own, HeaderLines(trace), address=sender.address)
        if self._signer is not None:
            own = sender.joined(self._signer.headers(identity))
        trace += sender.lines
        return RequestContext(forwarded, own, HeaderLines(trace), identity.facts, NO_LABELS, identity, sender.address)

    def _sender(self, headers: Mapping[bytes, bytes]) -> _Sender:
        """Return what headers say of who sends them, from memory where others came with the same."""
        if type(headers) is not RequestHeaders:
            return self._learn(headers)
        sender = headers.sender
        if type(sender) is not _Sender or sender.known_to is not self:
            sender = headers.sender = self._learn(headers)
        return sender

    def _learn(self, headers: Mapping[bytes, bytes]) -> _Sender:
        own = None if self._rules is None else self._rules.headers(headers)
        if own is not None:
            forwarded: Headers = tuple({pair: None for made in own.values() for pair in made})
        else:
            forwarded = tuple((name, headers[key].decode("latin-1")) for key, name in self._forward if key in headers)
        address = ""
        if self._tells_addresses:
            address = self._proxies.client(headers.get(CLIENT_ADDRESS, b""), headers).decode("latin-1")
        return _Sender(self, forwarded, own, address, client_headers(headers, self._proxies))


@dataclass(slots=True)
class _Sender:
    """What headers say of who sends them.

    Attributes:
        known_to: who found that out.
        forwarded: the headers that are passed on.
        own: those of each subgraph, where there are rules about them.
        address: where the client is, where that is asked.
        lines: what is told about the client to those who must know who it is.
    """

    known_to: Callers
    forwarded: Headers
    own: Mapping[str, Headers] | None
    address: str
    lines: Headers
    _latest: tuple[SubgraphHeaders, Mapping[str, Headers]] | None = None

    def joined(self, tokens: SubgraphHeaders) -> Mapping[str, Headers]:
        """Return the headers of subgraphs with their tokens."""
        if self.own is None:
            return tokens
        if self._latest is None or self._latest[0] is not tokens:
            self._latest = (tokens, _joined(self.own, tokens))
        return self._latest[1]


def _joined(own: Mapping[str, Headers], tokens: SubgraphHeaders) -> Mapping[str, Headers]:
    """Return the headers of subgraphs with their tokens, which nothing that a client sends takes the place of."""
    return {
        name: (*(pair for pair in own.get(name, ()) if pair[0] != "authorization"), *token)
        for name, token in tokens.items()
    }
