"""The rules that each subgraph has to keep by itself: one module for each thing they are about.

First the schema must be valid GraphQL, then valid federation; a schema that is not the one is not asked for the other.
"""

from __future__ import annotations

from collections.abc import Callable

from router.composition.reporting import Report
from router.composition.rules.access_control import check_access_control
from router.composition.rules.context import check_contexts
from router.composition.rules.cost import check_costs
from router.composition.rules.directive_use import check_directive_use
from router.composition.rules.external import check_external_use
from router.composition.rules.field_sets import check_keys, check_provides, check_requires
from router.composition.rules.implementations import check_implementations
from router.composition.rules.input_values import check_input_values
from router.composition.rules.interface_keys import check_interface_keys, check_interface_objects
from router.composition.rules.roots import use_default_root_names
from router.composition.rules.shareable import check_shareable
from router.composition.rules.types import check_types
from router.composition.subgraph import SubgraphSchema

Rule = Callable[[SubgraphSchema, Report], None]

GRAPHQL_RULES: tuple[Rule, ...] = (check_types, check_implementations, check_directive_use, check_input_values)
FEDERATION_RULES: tuple[Rule, ...] = (
    check_keys,
    check_requires,
    check_provides,
    check_contexts,
    check_external_use,
    check_interface_keys,
    check_interface_objects,
    check_shareable,
    check_costs,
    check_access_control,
)


def check_subgraph(subgraph: SubgraphSchema, report: Report) -> None:
    """Check a subgraph as it was written; federation rules wait for the upgrade of one that is federation 1."""
    before = len(report.errors)
    for rule in GRAPHQL_RULES:
        rule(subgraph, report)
    if len(report.errors) > before:
        return
    use_default_root_names(subgraph, report)
    if subgraph.is_federation_2:
        check_upgraded(subgraph, report)


def check_upgraded(subgraph: SubgraphSchema, report: Report) -> None:
    """Check a federation 2 subgraph, whether written or upgraded."""
    for rule in FEDERATION_RULES:
        rule(subgraph, report)
