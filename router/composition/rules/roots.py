"""Root types get their default names, so that they merge; another type must not have them.

Codes: ``ROOT_QUERY_USED``, ``ROOT_MUTATION_USED``, ``ROOT_SUBSCRIPTION_USED``.
"""

from __future__ import annotations

from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import Field, InputValue, Schema
from router.sdl.type_refs import named


def use_default_root_names(subgraph: SubgraphSchema, report: Report) -> None:
    """Rename root types to Query, Mutation and Subscription."""
    schema = subgraph.schema
    for operation, name in list(schema.roots.items()):
        default = operation.capitalize()
        if name == default:
            continue
        if default in schema.types:
            message = (
                f'[{subgraph.name}] There is a type "{default}" that is not the {operation} root: "{name}" is. '
                f"A root type by another name forbids another type by its default name."
            )
            sites = [(subgraph, schema.types[name].at), (subgraph, schema.types[default].at)]
            report.error(f"ROOT_{operation.upper()}_USED", message, sites)
        else:
            _rename(schema, name, default)
    subgraph.forget()


def _rename(schema: Schema, old: str, new: str) -> None:
    renamed = schema.types.pop(old)
    renamed.name = new
    schema.types[new] = renamed
    schema.roots = {operation: new if name == old else name for operation, name in schema.roots.items()}
    for type_def in schema.types.values():
        if old in type_def.members:
            type_def.members = {new if it == old else it: at for it, at in type_def.members.items()}
        for field in type_def.fields.values():
            _rename_reference(field, old, new)


def _rename_reference(item: Field | InputValue, old: str, new: str) -> None:
    if named(item.type) == old:
        item.type = item.type.replace(old, new)
