"""What an operator can choose about execution; each default is safe for a router open to the public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Bounds on the text of an operation, held before anything costly is done with it.

    Attributes:
        tokens: lexical tokens in the document.
        depth: levels of selection sets, fragments unfolded.
        fields: fields of the operation, fragments unfolded.
        repeats: fields under one response key at one place, fragments unfolded; validation compares each with each.
    """

    tokens: int = 15_000
    depth: int = 100
    fields: int = 20_000
    repeats: int = 200


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """How many entries each cache keeps before it forgets those unused for longest.

    Attributes:
        operations: operations, by their text and name.
        variants: plans and programs of one operation, by the values of its conditions.
        introspections: answers to introspection.
    """

    operations: int = 2_000
    variants: int = 64
    introspections: int = 100


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The settings of an `Engine`.

    Attributes:
        limits: bounds on operations.
        caches: bounds on what is remembered.
        share_requests: equal client queries in flight at one time are answered once.
        introspection: whether `__schema` and `__type` may be asked.
        subgraph_timeout: seconds that one subgraph request may take.
        max_errors: how many errors an answer lists at most.
        recall: whether results are taken over where the subgraphs answer the same bytes as before; see `recall`.
        recall_bytes: how much to keep for that.
        default_max_age: seconds that an answer may be kept where neither subgraphs nor the schema say so; None, and
            it is not asked how answers may be kept.
        operation_timeouts: seconds that operations may take, by their names.
    """

    limits: DocumentLimits = field(default_factory=DocumentLimits)
    caches: CacheLimits = field(default_factory=CacheLimits)
    share_requests: bool = True
    introspection: bool = True
    subgraph_timeout: float = 30.0
    max_errors: int = 1_000
    recall: bool = True
    recall_bytes: int = 16 * 1024 * 1024
    default_max_age: int | None = None
    operation_timeouts: Mapping[str, float] = field(default_factory=dict)
