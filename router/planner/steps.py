"""Steps of ways through the graph: what the walk finds and the tree keeps.

A step knows the one before it, so ways that begin alike share their beginning, and what a choice of ways costs
together is the sum over their distinct steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from router.planner.graph import Edge, Node
from router.planner.reach import Jump
from router.planner.selection import Field


class StepKind(Enum):
    """What a step does."""

    ORIGIN = "origin"
    FIELD = "field"
    JUMP = "jump"
    NARROW = "narrow"


@dataclass(slots=True, eq=False)
class Step:
    """One step of a way.

    `node` is where it arrives, None at a leaf. `cost` is that of the whole way, `own` that of the step. A field step
    that `is_whole` takes the field's complete selection within its subgraph. `is_chosen` is set when the tree takes
    the step in.
    """

    parent: Step | None
    kind: StepKind
    node: Node | None
    own: float
    cost: float
    field: Field | None = None
    edge: Edge | None = None
    jump: Jump | None = None
    is_whole: bool = False
    is_chosen: bool = False
    children: list[Step] = dataclasses.field(default_factory=list)
    _known: dict[int, Step] = dataclasses.field(default_factory=dict)

    @classmethod
    def origin(cls, node: Node, cost: float = 0) -> Step:
        """Begin a way."""
        return cls(None, StepKind.ORIGIN, node, cost, cost, is_chosen=True)

    def after_field(self, asked: Field, edge: Edge, own: float, *, is_whole: bool = False) -> Step:
        """Take a field."""
        step = Step(self, StepKind.FIELD, edge.target, own, self.cost + own, asked, edge, is_whole=is_whole)
        self.children.append(step)
        return step

    def after_jump(self, jump: Jump) -> Step:
        """Jump to another subgraph; the same jump from the same place is one step."""
        step = self._known.get(id(jump))
        if step is None:
            step = Step(self, StepKind.JUMP, jump.entry.target, jump.cost, self.cost + jump.cost, jump=jump)
            self._add(id(jump), step)
        return step

    def narrowed(self, node: Node, own: float) -> Step:
        """Go on with the objects of one type only."""
        step = self._known.get(id(node))
        if step is None:
            step = Step(self, StepKind.NARROW, node, own, self.cost + own)
            self._add(id(node), step)
        return step

    def _add(self, key: int, step: Step) -> None:
        self._known[key] = step
        self.children.append(step)

    def missing_cost(self) -> float:
        """Return what the way costs beyond the steps that are chosen already."""
        cost = 0.0
        step: Step | None = self
        while step is not None and not step.is_chosen:
            cost += step.own
            step = step.parent
        return cost

    def choose(self) -> None:
        """Take the way into the tree."""
        step: Step | None = self
        while step is not None and not step.is_chosen:
            step.is_chosen = True
            step = step.parent

    def chosen(self) -> Iterator[Step]:
        """Yield the chosen steps that follow."""
        return (step for step in self.children if step.is_chosen)

    def lines(self, indent: str = "", *, only_chosen: bool = False) -> Iterator[str]:
        """Yield the steps from here on as text."""
        yield f"{indent}{self}"
        for step in self.children:
            if step.is_chosen or not only_chosen:
                yield from step.lines(indent + "  ", only_chosen=only_chosen)

    def __str__(self) -> str:
        match self.kind:
            case StepKind.ORIGIN:
                return str(self.node)
            case StepKind.JUMP:
                return f"=> {self.node} ({self.own:g})"
            case StepKind.NARROW:
                return f"... on {self.node}"
        whole = " whole" if self.is_whole else ""
        return f".{self.field.key if self.field else ''} -> {self.node or 'leaf'}{whole}"
