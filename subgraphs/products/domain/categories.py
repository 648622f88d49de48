"""The category tree: each category knows the ids from its root down to itself, so "everything below" is one test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel.errors import InvalidInputError
from subgraphs.products.domain.wording import Worded

MAX_DEPTH: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Category(Worded):
    """A node of the tree; `path` starts at its root and ends with its own id."""

    id: str
    slug: str
    parent_id: str | None
    path: tuple[str, ...]
    position: int


def path_below(parent: Category | None, category_id: str) -> tuple[str, ...]:
    """The path of a category under `parent`, or of a root.

    Raises:
        InvalidInputError: the parent lies in the category itself, or the tree would become too deep.
    """
    above = parent.path if parent else ()
    if category_id in above:
        raise InvalidInputError("A category cannot be moved into itself.", path=("parentId",))
    if len(above) >= MAX_DEPTH:
        raise InvalidInputError(f"Categories nest {MAX_DEPTH} deep at most.", path=("parentId",))
    return (*above, category_id)
