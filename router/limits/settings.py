"""Settings of how much one request may ask for."""

from __future__ import annotations

from typing import Literal

import msgspec

from router.sections import Section, demand


class LimitSettings(Section, frozen=True):
    """Bounds on one request; those that are not set do not hold.

    Attributes:
        body_bytes: size of a request body; more is answered with 413.
        header_bytes: size of a request's headers; more is answered with 431.
        max_tokens: lexical tokens of a document.
        max_depth: levels of fields in an operation, fragments unfolded.
        max_height: different fields of an operation, fragments unfolded; a field that stands twice in one place under
            several aliases counts once.
        max_aliases: fields that stand once more in one place under another alias.
        max_root_fields: fields at the root, aliases and fragments counted.
        max_directives: directives of an operation, fragments unfolded.
        max_list_items: items of one list, in the document or in variables.
        max_variable_bytes: size of all variables as JSON.
        warn_only: whether what is beyond `max_depth` and the following bounds is only written to the log.
    """

    body_bytes: int = 2_000_000
    header_bytes: int = 65_536
    max_tokens: int = 15_000
    max_depth: int | None = None
    max_height: int | None = None
    max_aliases: int | None = None
    max_root_fields: int | None = None
    max_directives: int | None = None
    max_list_items: int | None = None
    max_variable_bytes: int | None = None
    warn_only: bool = False

    @property
    def bounds(self) -> bool:
        """Whether there are bounds on the size of operations besides those that always hold."""
        chosen = (self.max_depth, self.max_height, self.max_aliases, self.max_root_fields, self.max_directives)
        return any(each is not None for each in (*chosen, self.max_list_items))

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.body_bytes > 0, "body_bytes must be more than 0")
        demand(self.header_bytes >= 1_024, "header_bytes must be at least 1024")
        for name in self.__struct_fields__:
            value = getattr(self, name)
            demand(value is None or value >= 0, f"{name} must not be negative")


class SubgraphDemandSettings(Section, frozen=True):
    """What differs for one subgraph.

    Attributes:
        max: the most that all requests to it for one operation may cost; beyond that it is not asked, and its fields
            are null.
        list_size: how many items a list is taken to have.
    """

    max: float | None = None
    list_size: int | None = None


class DemandSettings(Section, frozen=True):
    """What operations may cost, as `@cost` and `@listSize` say it.

    Attributes:
        mode: `off`; `measure` counts and writes down what would be refused; `enforce` refuses it.
        max: the most that an operation may cost, before it runs by what it asks for, and after by what it brought.
        list_size: how many items a list is taken to have of which the schema does not say it.
        actual: whether it is also counted what operations brought.
        subgraphs: what differs for single subgraphs.
        clients: the most that operations of single clients may cost, by the names of their API keys.
        expose: whether clients may ask what an operation costs, by `"extensions": {"cost": true}` in the request.
    """

    mode: Literal["off", "measure", "enforce"] = "off"
    max: float = 1_000.0
    list_size: int = 10
    actual: bool = True
    subgraphs: dict[str, SubgraphDemandSettings] = msgspec.field(default_factory=dict)
    clients: dict[str, float] = msgspec.field(default_factory=dict)
    expose: bool = False

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.max >= 0, "max must not be negative")
        demand(self.list_size >= 0, "list_size must not be negative")
