"""Settings of how often something may be asked."""

from __future__ import annotations

from typing import Literal

from router.sections import Section, demand

Per = Literal["everybody", "ip", "client", "user"]


class RateRuleSettings(Section, frozen=True):
    """How often somebody may ask for something.

    Attributes:
        name: what the rule is called in headers; each has its own.
        limit: how much may be asked for in `seconds`.
        seconds: the span of time.
        burst: how much of that may be asked for at once; all of it unless told otherwise.
        per: who is counted alone: `everybody` together, each network address (`ip`), each `client` that has an API
            key, each `user` who is known; who has no key or is not known is counted by address.
        operations: names of the operations that are counted; all of them unless told otherwise.
        fields: root fields that are counted, each of them as often as it stands in an operation under any alias;
            without, each operation counts once.
        cost: whether operations are counted by their estimated cost instead.
    """

    name: str
    limit: int
    seconds: float = 60.0
    burst: int | None = None
    per: Per = "user"
    operations: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    cost: bool = False

    def __post_init__(self) -> None:
        """Refuse what allows nothing, or contradicts itself."""
        demand(self.name.isascii() and self.name.isprintable() and '"' not in self.name, "name must be plain text")
        demand(self.limit > 0, "limit must be more than 0")
        demand(self.seconds > 0, "seconds must be more than 0")
        demand(self.burst is None or self.burst > 0, "burst must be more than 0")
        demand(not (self.cost and self.fields), "cost and fields do not go together")


class RateSettings(Section, frozen=True):
    """How often something may be asked; without rules there are no bounds.

    Attributes:
        rules: a request must keep all that concern it.
        redis: `redis://` address of the store in which all routers count; without, each process counts for itself.
        prefix: of the keys in that store.
        timeout: seconds that the store may take.
        away: what holds while the store is away: each process counts for itself and allows its share (`local`), all is
            allowed (`open`), or nothing is (`closed`).
        retry: seconds after which a store that was away is asked again.
        headers: whether answers carry `RateLimit` and `RateLimit-Policy`.
    """

    rules: tuple[RateRuleSettings, ...] = ()
    redis: str | None = None
    prefix: str = "storegraph:rate:"
    timeout: float = 0.25
    away: Literal["local", "open", "closed"] = "local"
    retry: float = 1.0
    headers: bool = True

    def __post_init__(self) -> None:
        """Refuse rules that cannot be told apart."""
        demand(len({each.name for each in self.rules}) == len(self.rules), "rules must have different names")
        demand(self.timeout > 0, "timeout must be more than 0")
