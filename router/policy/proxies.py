"""Which proxies are believed about where a client really is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Final

_REMEMBERED: Final = 1_000


class TrustedProxies:
    """Follows requests back through proxies.

    Args:
        addresses: of single proxies, or of networks that hold nothing else.
    """

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        self._networks = tuple(ip_network(each, strict=False) for each in addresses)
        self._known: OrderedDict[bytes, bool] = OrderedDict()

    def __contains__(self, address: bytes) -> bool:
        """Tell whether this is a proxy that is believed."""
        if not self._networks:
            return False
        known = self._known.get(address)
        if known is None:
            known = self._known[address] = self._trusts(address)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return known

    def client(self, peer: bytes, headers: Mapping[bytes, bytes]) -> bytes:
        """Return where a request came from: what others than trusted proxies say of its way is not believed."""
        if peer not in self:
            return peer
        way = [each.strip() for each in headers.get(b"x-forwarded-for", b"").split(b",")]
        return next((each for each in reversed(way) if each and each not in self), peer)

    def _trusts(self, address: bytes) -> bool:
        try:
            found = ip_address(address.decode("ascii"))
        except ValueError:
            return False
        return any(found in network for network in self._networks)


def is_network(text: str) -> bool:
    """Tell whether a text is an address, or a network of them."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
