"""Relay connections: one generic shape for every list of the shop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import strawberry

from kernel.pagination import Slice

Node = TypeVar("Node")


@strawberry.federation.type(shareable=True, description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None = None
    end_cursor: str | None = None


@strawberry.type(description="One item of a list and the cursor that points at it.")
class Edge(Generic[Node]):
    """One item of a list and the cursor that points at it."""

    cursor: str
    node: Node


@strawberry.type(description="One page of a list.")
class Connection(Generic[Node]):
    """One page of a list; the total is only counted when it is asked for."""

    edges: list[Edge[Node]]
    page_info: PageInfo
    count: strawberry.Private[Callable[[], Awaitable[int]] | None] = None

    @strawberry.field(description="The items of the page, without their cursors.")
    def nodes(self) -> list[Node]:
        """Give the items of the page."""
        return [edge.node for edge in self.edges]

    @strawberry.field(description="How many items the whole list has.")
    async def total_count(self) -> int | None:
        """Count the whole list."""
        return None if self.count is None else await self.count()


def connection(page: Slice[Node], *, count: Callable[[], Awaitable[int]] | None = None) -> Connection[Node]:
    """Show one page of a list.

    Args:
        page: the nodes of the page with their cursors.
        count: counts the whole list; called only when `totalCount` is asked for.
    """
    edges = [Edge(cursor=cursor, node=node) for node, cursor in zip(page.items, page.cursors, strict=True)]
    info = PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.cursors[0] if page.cursors else None,
        end_cursor=page.cursors[-1] if page.cursors else None,
    )
    return Connection(edges=edges, page_info=info, count=count)
