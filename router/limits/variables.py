"""How large the variables of a request are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from router.limits.measure import Excess, excess
from router.limits.settings import LimitSettings

_SCALAR_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class VariableLimits:
    """Bounds on variables.

    Attributes:
        list_items: of one list.
        bytes: of all variables.
    """

    list_items: float
    bytes: float

    def excess(self, variables: Mapping[str, Any]) -> Excess | None:
        """Return the bound that variables go beyond.

        Their size is counted as they are met, and not at all once it is too much: a text by its characters, an object
        by its keys too, anything else as a few bytes.
        """
        size = longest = 0
        pending: list[Any] = [variables]
        while pending:
            value = pending.pop()
            if isinstance(value, str):
                size += len(value) + 2
            elif isinstance(value, Mapping):
                size += sum(map(len, value)) + 4 * len(value)
                pending.extend(value.values())
            elif type(value) in {list, tuple}:
                longest = max(longest, len(value))
                size += len(value)
                if longest <= self.list_items:
                    pending.extend(value)
            else:
                size += _SCALAR_BYTES
            if longest > self.list_items:
                return excess("list_items", "list size", longest, int(self.list_items))
            if size > self.bytes:
                return excess("variables_size", "variables size", size, int(self.bytes))
        return None


def variable_limits(settings: LimitSettings) -> VariableLimits | None:
    """Return the bounds of the settings, if there are any."""
    if settings.max_list_items is None and settings.max_variable_bytes is None:
        return None
    endless = float("inf")
    return VariableLimits(
        endless if settings.max_list_items is None else settings.max_list_items,
        endless if settings.max_variable_bytes is None else settings.max_variable_bytes,
    )
