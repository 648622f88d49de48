"""Definitions of built-in and linked directives and types that a subgraph writes out itself must say what is so anyhow.

Codes: ``DIRECTIVE_DEFINITION_INVALID``, ``TYPE_DEFINITION_INVALID``.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.links import Feature
from router.sdl.model import BUILT_IN_SCALARS, DirectiveDef, InputValue, Kind, TypeDef
from router.sdl.specs import LINK, find_spec
from router.sdl.type_refs import is_list, is_non_null, item, named, nullable
from router.sdl.values import UNSET, canonical, print_value, same

_LENIENT_IN_FEDERATION_1 = frozenset({"key", "requires", "provides"})
_FIELD_SET_TYPES = frozenset({"String", "_FieldSet", "FieldSet"})


def check_definitions(subgraph: SubgraphSchema, report: Report) -> None:
    """Check the definitions a subgraph has, and let them stand for those it would have without."""
    for name, own in list(subgraph.schema.directives.items()):
        expected = subgraph.definitions.get(name)
        if expected is None or not _tolerated(subgraph, own):
            for message in _differences(expected, own) if expected else ():
                report.error("DIRECTIVE_DEFINITION_INVALID", f"[{subgraph.name}] {message}", [(subgraph, own.at)])
            subgraph.definitions[name] = own
    for type_def, kind in _specified_types(subgraph):
        if type_def.kind is not kind:
            message = (
                f'Invalid definition for type "{type_def.name}": it should be {kind.value}, not {type_def.kind.value}.'
            )
            report.error("TYPE_DEFINITION_INVALID", f"[{subgraph.name}] {message}", [(subgraph, type_def.at)])


def _tolerated(subgraph: SubgraphSchema, own: DirectiveDef) -> bool:
    """Tell whether this is one of the odd definitions that federation 1 libraries print."""
    if subgraph.is_federation_2 or own.name not in _LENIENT_IN_FEDERATION_1:
        return False
    fields = own.args.get("fields")
    return not own.args or (len(own.args) == 1 and fields is not None and fields.type in _FIELD_SET_TYPES)


def _specified_types(subgraph: SubgraphSchema) -> Iterator[tuple[TypeDef, Kind]]:
    expected: dict[str, Kind] = {} if subgraph.is_federation_2 else {"_FieldSet": Kind.SCALAR}
    for feature in subgraph.links.features.values():
        expected |= dict.fromkeys(_scalars(feature), Kind.SCALAR)
        if feature.url.identity == LINK:
            expected |= {feature.type_name("Import"): Kind.SCALAR, feature.type_name("Purpose"): Kind.ENUM}
    for name, kind in expected.items():
        if name in subgraph.schema.types:
            yield subgraph.schema.types[name], kind


def _scalars(feature: Feature) -> list[str]:
    spec = find_spec(feature.url.identity, feature.url.version)
    return [feature.type_name(name) for name in spec.types] if spec else []


def _differences(expected: DirectiveDef, own: DirectiveDef) -> Iterator[str]:
    prefix = f'Invalid definition for directive "@{own.name}": '
    if own.repeatable and not expected.repeatable:
        yield prefix + "it is not repeatable."
    extra = [it for it in own.locations if it not in expected.locations]
    if extra:
        yield prefix + f"it cannot be on {', '.join(extra)}, only on {', '.join(expected.locations)}."
    for arg in expected.args.values():
        yield from (prefix + it for it in _argument_differences(arg, own.args.get(arg.name)))
    for name in own.args.keys() - expected.args.keys():
        yield prefix + f'it has no argument "{name}".'


def _argument_differences(expected: InputValue, own: InputValue | None) -> Iterator[str]:
    if own is None:
        if expected.is_required:
            yield f'the required argument "{expected.name}" is missing.'
        return
    actual = nullable(own.type) if is_non_null(own.type) and not is_non_null(expected.type) else own.type
    if actual != expected.type and not _redefines(expected.type, actual):
        yield f'argument "{own.name}" should have type "{expected.type}" but has type "{own.type}".'
    elif not is_non_null(own.type) and not same(expected.default, own.default):
        shown = "no default" if expected.default is UNSET else f"default {print_value(expected.default)}"
        yield f'argument "{own.name}" should have {shown} but has {canonical(own.default) or "none"}.'


def _redefines(expected: str, actual: str) -> bool:
    """Tell whether a custom scalar is written as another type, which harms nobody."""
    if is_non_null(expected):
        return is_non_null(actual) and _redefines(nullable(expected), nullable(actual))
    if is_list(expected):
        return is_list(actual) and _redefines(item(expected), item(actual))
    return expected not in BUILT_IN_SCALARS and not is_list(actual) and named(actual) in BUILT_IN_SCALARS
