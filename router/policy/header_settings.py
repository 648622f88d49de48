"""Settings of which headers subgraphs get, and which of theirs go on to clients."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from router.policy.proxies import is_network
from router.sections import Section, demand, is_pattern

RESERVED: Final = frozenset(
    {"accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie2"}
    | {"expect", "forwarded", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"}
    | {"traceparent", "tracestate", "transfer-encoding", "upgrade", "x-client-address", "x-client-agent"}
    | {"x-request-id", "x-forwarded-for"}
)
"""Headers that belong to a connection, or by which the router itself says something: no rule touches them."""


RESERVED_OF_ANSWERS: Final = frozenset(
    {"age", "cache-control", "connection", "content-encoding", "content-length", "content-type", "date", "etag"}
    | {"expires", "keep-alive", "proxy-authenticate", "ratelimit", "ratelimit-policy", "retry-after", "server", "te"}
    | {"trailer", "transfer-encoding", "upgrade", "vary", "www-authenticate", "x-content-type-options", "x-request-id"}
)
"""Headers of answers that the router itself writes."""
_FOR_BROWSERS: Final = "access-control-"


def is_reserved_of_answers(name: str) -> bool:
    """Tell of a header's lower-case name whether only the router itself writes it."""
    return name in RESERVED_OF_ANSWERS or name.startswith(_FOR_BROWSERS)


class PropagateSettings(Section, frozen=True):
    """A header of the client that goes on to subgraphs.

    Attributes:
        named: its name.
        matching: a regular expression for the whole names of several, instead.
        rename: the name under which subgraphs get it.
        default: what they get where the client sends none.
    """

    named: str | None = None
    matching: str | None = None
    rename: str | None = None
    default: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        demand((self.named is None) != (self.matching is None), "propagate needs either named or matching")
        demand(self.matching is None or is_pattern(self.matching), f"matching '{self.matching}' is no pattern")
        demand(self.matching is None or self.rename is None, "rename goes with named only")
        demand(self.matching is None or self.default is None, "default goes with named only")
        for name in (self.named, self.rename):
            demand(name is None or name.lower() not in RESERVED, f"named '{name}' is not for rules")


class InsertSettings(Section, frozen=True):
    """A header that the router adds."""

    name: str
    value: str

    def __post_init__(self) -> None:
        """Refuse what belongs to connections, and lines that would begin another header."""
        demand(self.name.lower() not in RESERVED, f"name '{self.name}' is not for rules")
        demand(not set(self.name + self.value) & set("\r\n\0"), "value must be one line")


class RemoveSettings(Section, frozen=True):
    """Headers that do not go on, though a rule before says so.

    Attributes:
        named: the name of one.
        matching: a regular expression for the whole names of several, instead.
    """

    named: str | None = None
    matching: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        demand((self.named is None) != (self.matching is None), "remove needs either named or matching")
        demand(self.matching is None or is_pattern(self.matching), f"matching '{self.matching}' is no pattern")


class HeaderRuleSettings(Section, frozen=True):
    """One step, after those before it: `propagate`, `insert` or `remove`."""

    propagate: PropagateSettings | None = None
    insert: InsertSettings | None = None
    remove: RemoveSettings | None = None

    def __post_init__(self) -> None:
        """Refuse a step that is none, or several."""
        _demand_one(self.propagate, self.insert, self.remove)


def _demand_one(*steps: Section | None) -> None:
    chosen = [each for each in steps if each is not None]
    demand(len(chosen) == 1, "rule must be one of propagate, insert and remove")


class PropagateAnswerSettings(Section, frozen=True):
    """A header of a subgraph's answer that goes on to the client.

    Attributes:
        named: its name.
        matching: a regular expression for the whole names of several, instead; never of `Set-Cookie`.
        rename: the name under which the client gets it.
        default: what the client gets where the subgraph sends none.
        merge: whose value counts where several answers have it, in the order of the plan: that of the `first`, of the
            `last`, or all of them (`append`, each in a line of its own).
    """

    named: str | None = None
    matching: str | None = None
    rename: str | None = None
    default: str | None = None
    merge: Literal["first", "last", "append"] = "last"

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        demand((self.named is None) != (self.matching is None), "propagate needs either named or matching")
        demand(self.matching is None or is_pattern(self.matching), f"matching '{self.matching}' is no pattern")
        demand(self.matching is None or self.rename is None, "rename goes with named only")
        demand(self.matching is None or self.default is None, "default goes with named only")
        for name in (self.named, self.rename):
            demand(name is None or not is_reserved_of_answers(name.lower()), f"named '{name}' is not for rules")
        cookies = "set-cookie" in {(self.named or "").lower(), (self.rename or "").lower()}
        demand(not cookies or self.rename is None, "a cookie keeps its header's name")
        demand(not cookies or self.merge == "append", "set-cookie needs merge: append, since each is a line of its own")


class InsertAnswerSettings(Section, frozen=True):
    """A header that the router adds to answers that a subgraph took part in."""

    name: str
    value: str

    def __post_init__(self) -> None:
        """Refuse what the router itself writes, and lines that would begin another header."""
        name = self.name.lower()
        demand(not is_reserved_of_answers(name) and name != "set-cookie", f"name '{self.name}' is not for rules")
        demand(not set(self.name + self.value) & set("\r\n\0"), "value must be one line")


class AnswerHeaderRuleSettings(Section, frozen=True):
    """One step, after those before it: `propagate`, `insert` or `remove`."""

    propagate: PropagateAnswerSettings | None = None
    insert: InsertAnswerSettings | None = None
    remove: RemoveSettings | None = None

    def __post_init__(self) -> None:
        """Refuse a step that is none, or several."""
        _demand_one(self.propagate, self.insert, self.remove)


class SubgraphHeaderSettings(Section, frozen=True):
    """The headers of requests to subgraphs, and of what they answer.

    Attributes:
        request: the steps that make those of requests.
        response: the steps that choose which of their answers' headers clients get.
    """

    request: tuple[HeaderRuleSettings, ...] = ()
    response: tuple[AnswerHeaderRuleSettings, ...] = ()


class HeaderSettings(Section, frozen=True):
    """Which headers subgraphs get, besides the request id and `traceparent`, and which of theirs clients get.

    Attributes:
        forward: names of client headers that all of them get as they are.
        trusted_proxies: addresses of load balancers, or networks of nothing else (`10.0.0.0/8`), whose
            `x-forwarded-for` tells where a client really is.
        all: rules for all subgraphs.
        subgraphs: further rules for single ones, by name.
    """

    forward: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    all: SubgraphHeaderSettings = msgspec.field(default_factory=SubgraphHeaderSettings)
    subgraphs: dict[str, SubgraphHeaderSettings] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no address."""
        for each in self.trusted_proxies:
            demand(is_network(each), f"trusted_proxies: '{each}' is neither an address nor a network")

    @property
    def has_rules(self) -> bool:
        """Whether subgraphs may get different headers."""
        return bool(self.all.request or any(each.request for each in self.subgraphs.values()))

    @property
    def has_answer_rules(self) -> bool:
        """Whether clients may get headers of subgraphs."""
        return bool(self.all.response or any(each.response for each in self.subgraphs.values()))
