"""Which addresses the shop calls on behalf of others: those of the open internet, and what the operator allows besides.

A partner chooses the URL of an endpoint, so without this guard they could have us call our own machines.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from kernel.errors import InvalidInputError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_LONGEST_URL: Final = 2000
_WEB_PORTS: Final = frozenset({80, 443})
_FORBIDDEN: Final[tuple[Network, ...]] = (
    ip_network("168.63.129.16/32"),  # a cloud's services for its machines, at an address of the open internet
    ip_network("192.0.0.0/24"),
    ip_network("64:ff9b::/96"),  # IPv4 inside IPv6, by translation
    ip_network("64:ff9b:1::/48"),
    ip_network("2002::/16"),  # and by tunnels: what is inside decides, and nobody needs them here
    ip_network("2001::/32"),
    ip_network("::/96"),
)


class ForbiddenAddressError(InvalidInputError):
    """The shop does not call this address."""


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Tells which URLs and addresses may be called.

    Attributes:
        allowed: networks that may be called although they are not of the open internet, also without TLS.
    """

    allowed: tuple[Network, ...] = ()

    def check_url(self, url: str) -> SplitResult:
        """Let a URL pass whose form is good; where its host leads to is asked at each call.

        Raises:
            ForbiddenAddressError: it cannot be an endpoint.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ForbiddenAddressError("This is no URL.", path=("url",)) from None
        problem = _problem(url, parts, port, insecure=bool(self.allowed))
        if problem:
            raise ForbiddenAddressError(problem, path=("url",))
        host = (parts.hostname or "").rstrip(".")
        literal = _literal(host)
        if literal is not None:
            self.check(literal)
        elif _is_number(host.rpartition(".")[2]):
            raise ForbiddenAddressError("The host is neither a name nor an address.", path=("url",))
        return parts

    def check(self, address: Address) -> None:
        """Let an address pass.

        Raises:
            ForbiddenAddressError: it leads into a network that is not for strangers.
        """
        plain = _unwrapped(address)
        if any(plain in network for network in self.allowed if network.version == plain.version):
            return
        hidden = any(plain in network for network in _FORBIDDEN if network.version == plain.version)
        if hidden or not plain.is_global or plain.is_multicast or plain.is_reserved:
            raise ForbiddenAddressError("The host leads to an address that is not on the open internet.", path=("url",))


def _problem(url: str, parts: SplitResult, port: int | None, *, insecure: bool) -> str | None:
    if len(url) > _LONGEST_URL or not url.isascii() or any(ord(each) <= 32 or each == "\\" for each in url):
        return "The URL is too long, or holds characters that a URL cannot."
    if parts.scheme != "https" and not (insecure and parts.scheme == "http"):
        return "The URL must begin with https://."
    if not parts.hostname:
        return "The URL names no host."
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "The URL must hold neither credentials nor a fragment."
    if port is not None and port < 1024 and port not in _WEB_PORTS:
        return "The port must be 80, 443, or above 1023."
    return None


def _is_number(label: str) -> bool:
    """Tell whether this label makes some programs read the whole host as an address in an odd spelling."""
    return label.isdecimal() or label.startswith("0x")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _unwrapped(address: Address) -> Address:
    """Look at the IPv4 address that an IPv6 address may only wrap."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
