"""An operation between its text and its runs."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import DocumentNode

from router.execution.compiler import Program
from router.execution.compiler.deferred import DeferredProgram
from router.execution.documents import Document
from router.execution.gate import ALL, Study
from router.execution.memo import Memo
from router.execution.variables import VariableReader
from router.planner.plan import OperationKind

Variant: TypeAlias = Hashable
"""The values of an operation's conditions, and the active labels of progressive overrides."""


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """A valid operation, ready to run with any variables."""

    document: Document
    name: str | None
    kind: OperationKind
    variables: VariableReader
    conditions: tuple[str, ...]
    introspection: DocumentNode | None
    programs: Memo[Variant, Program]
    partial: Memo[tuple[Hashable, Variant], Program]
    """The programs of those who get a share of it."""
    defer_variables: frozenset[str] = frozenset()
    deferred: Memo[Variant, DeferredProgram] | None = None
    study: Study | None = None

    @property
    def defers(self) -> bool:
        """Whether it has `@defer` or `@stream`, so that it may be answered in parts."""
        return self.deferred is not None

    @property
    def all_conditions(self) -> tuple[str, ...]:
        """The variables of `@skip`, `@include`, `@defer` and `@stream`."""
        return tuple(dict.fromkeys((*self.conditions, *sorted(self.defer_variables))))

    def variant(self, variables: Mapping[str, Any], labels: frozenset[str]) -> Variant:
        """Return what tells the plan for some variables and override labels from others."""
        if not self.conditions:
            return labels
        return (*(bool(variables.get(name)) for name in self.conditions), labels)

    def variants(self) -> list[tuple[dict[str, Any], frozenset[str]]]:
        """Return the variants that were compiled: values of the conditions, and override labels."""
        known: list[Any] = [variant for variant, _ in self.programs.latest(sys.maxsize)]
        if not self.conditions:
            return [({}, labels) for labels in known]
        return [(dict(zip(self.conditions, values, strict=True)), labels) for *values, labels in known]

    def known_program(self, share: Hashable, variant: Variant) -> Program | None:
        """Return the program of a share and a variant, if it was compiled before."""
        return self.programs.get(variant) if share == ALL else self.partial.get((share, variant))
