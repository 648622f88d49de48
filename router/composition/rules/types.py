"""Types, fields and arguments are complete, known and in the right place.

Code: ``INVALID_GRAPHQL``.
"""

from __future__ import annotations

from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import BUILT_IN_SCALARS, COMPOSITE, LEAF, Element, Field, InputValue, Kind, TypeDef
from router.sdl.type_refs import named

_INPUT = LEAF | {Kind.INPUT}
_OUTPUT = LEAF | COMPOSITE


def check_types(subgraph: SubgraphSchema, report: Report) -> None:
    """Check all types, and all references to types."""
    _Types(subgraph, report).check()


class _Types:
    def __init__(self, subgraph: SubgraphSchema, report: Report) -> None:
        self.subgraph = subgraph
        self.schema = subgraph.schema
        self.report = report
        self.foreign = {named(arg.type) for it in subgraph.definitions.values() for arg in it.args.values()}

    def error(self, message: str, at: int) -> None:
        self.report.error("INVALID_GRAPHQL", f"[{self.subgraph.name}] {message}", [(self.subgraph, at)])

    def check(self) -> None:
        for type_def in self.schema.types.values():
            self.check_name(type_def)
            self.check_parts(type_def)
            self.check_children(type_def)
        for definition in self.schema.directives.values():
            self.check_name(definition)
            for arg in definition.args.values():
                self.check_input(arg, f"@{definition.name}({arg.name}:)")
        for operation, name in self.schema.roots.items():
            root = self.schema.types.get(name)
            if root is None or root.kind is not Kind.OBJECT:
                self.error(f'The {operation} root "{name}" is not an object type.', self.schema.root.at)
        self.check_cycles()

    def check_name(self, element: Element) -> None:
        if element.name.startswith("__"):
            self.error(f'Name "{element.name}" must not begin with "__", which is reserved.', element.at)

    def check_parts(self, type_def: TypeDef) -> None:
        empty = {
            Kind.OBJECT: not type_def.fields and type_def.name != self.schema.roots.get("query"),
            Kind.INTERFACE: not type_def.fields,
            Kind.INPUT: not type_def.inputs,
            Kind.ENUM: not type_def.values,
            Kind.UNION: not type_def.members,
        }
        if empty.get(type_def.kind):
            parts = {Kind.ENUM: "values", Kind.UNION: "member types"}.get(type_def.kind, "fields")
            self.error(f'"{type_def.name}" must define one or more {parts}.', type_def.at)
        for name, at in type_def.members.items():
            member = self.schema.types.get(name)
            if member is None or member.kind is not Kind.OBJECT:
                self.error(f'Union "{type_def.name}" can only include object types, not "{name}".', at)
        for name, at in type_def.interfaces.items():
            interface = self.schema.types.get(name)
            if interface is None or interface.kind is not Kind.INTERFACE:
                self.error(f'"{type_def.name}" can only implement interfaces, not "{name}".', at)
        for value in type_def.values.values():
            self.check_name(value)
            if value.name in ("true", "false", "null"):
                self.error(f'Enum "{type_def.name}" cannot include the value {value.name}.', value.at)

    def check_children(self, type_def: TypeDef) -> None:
        for item in type_def.inputs.values():
            self.check_input(item, f"{type_def.name}.{item.name}")
        for field in type_def.fields.values():
            coordinate = f"{type_def.name}.{field.name}"
            self.check_name(field)
            self.check_reference(field, coordinate, _OUTPUT, "output")
            for arg in field.args.values():
                self.check_input(arg, f"{coordinate}({arg.name}:)")

    def check_input(self, item: InputValue, coordinate: str) -> None:
        self.check_name(item)
        self.check_reference(item, coordinate, _INPUT, "input")
        if item.is_required and item.has("deprecated"):
            self.error(f'"{coordinate}" is required and cannot be deprecated.', item.at)

    def check_reference(self, item: Field | InputValue, coordinate: str, kinds: frozenset[Kind], what: str) -> None:
        name = named(item.type)
        found = self.schema.types.get(name)
        if found is None:
            if name not in BUILT_IN_SCALARS and name not in self.foreign:
                self.error(f'Unknown type "{name}" of "{coordinate}".', item.at)
        elif found.kind not in kinds:
            self.error(f'"{coordinate}" must have an {what} type, but "{name}" is {found.kind.value}.', item.at)

    def check_cycles(self) -> None:
        """Refuse input objects that no finite value can have."""
        demanded = {
            type_def.name: [named(it.type) for it in type_def.inputs.values() if _always_nests(it)]
            for type_def in self.schema.of_kind(Kind.INPUT)
        }
        done: set[str] = set()
        for start in demanded:
            path: list[str] = []
            self.follow(start, demanded, path, done)

    def follow(self, name: str, demanded: dict[str, list[str]], path: list[str], done: set[str]) -> None:
        if name in path:
            cycle = " -> ".join([*path[path.index(name) :], name])
            self.error(
                f"Input objects contain themselves through non-null fields: {cycle}.", self.schema.types[name].at
            )
        elif name in demanded and name not in done:
            for inner in demanded[name]:
                self.follow(inner, demanded, [*path, name], done)
            done.add(name)


def _always_nests(item: InputValue) -> bool:
    return item.type.endswith("!") and not item.type.startswith("[")
