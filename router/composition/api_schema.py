"""The schema that clients see: the supergraph without machinery and without what is inaccessible."""

from __future__ import annotations

from dataclasses import replace

from router.sdl.model import Directive, DirectiveDef, Element, Field, InputValue, Schema, TypeDef
from router.sdl.specs import built_in_directives
from router.sdl.values import Value

MACHINERY = ("join__", "link__")


def api_schema(merged: Schema) -> Schema:
    """Derive the API schema of a supergraph."""
    return _Filter(merged).apply()


def inaccessible_name(merged: Schema) -> str | None:
    """Return what a supergraph calls ``@inaccessible``, if it uses it."""
    for link in merged.root.applied("link"):
        if "/inaccessible/" in str(link.args.get("url")):
            return _imported(link.args.get("import"), "@inaccessible")[1:]
    return None


def _imported(imports: Value, name: str) -> str:
    for it in imports or ():
        if isinstance(it, dict) and it.get("name") == name:
            return str(it.get("as", name))
    return name


class _Filter:
    def __init__(self, merged: Schema) -> None:
        self.merged = merged
        self.hiding = inaccessible_name(merged)
        self.features = [str(it.args.get("url")).split("/")[-2] + "__" for it in merged.root.applied("link")]

    def apply(self) -> Schema:
        schema = Schema(self.merged.source)
        schema.root = Element("schema", self.merged.root.description)
        schema.directives = {
            it.name: replace(it, args=self.inputs(it.args))
            for it in self.merged.directives.values()
            if self.is_executable(it)
        }
        for it in self.merged.types.values():
            if not self.is_hidden(it) and not it.name.startswith((*MACHINERY, *self.features)):
                schema.types[it.name] = self.type(it)
        schema.roots = {operation: name for operation, name in self.merged.roots.items() if name in schema.types}
        return schema

    def is_executable(self, it: DirectiveDef) -> bool:
        return bool(it.executable_locations)

    def is_hidden(self, it: Element) -> bool:
        return self.hiding is not None and it.has(self.hiding)

    def type(self, it: TypeDef) -> TypeDef:
        types = self.merged.types
        return replace(
            it,
            directives=self.kept(it),
            interfaces={name: -1 for name in it.interfaces if not self.is_hidden(types[name])},
            members={name: -1 for name in it.members if not self.is_hidden(types[name])},
            fields={field.name: self.field(field) for field in it.fields.values() if not self.is_hidden(field)},
            inputs=self.inputs(it.inputs),
            values={
                value.name: replace(value, directives=self.kept(value))
                for value in it.values.values()
                if not self.is_hidden(value)
            },
        )

    def field(self, it: Field) -> Field:
        return replace(it, directives=self.kept(it), args=self.inputs(it.args))

    def inputs(self, values: dict[str, InputValue]) -> dict[str, InputValue]:
        return {it.name: replace(it, directives=self.kept(it)) for it in values.values() if not self.is_hidden(it)}

    def kept(self, it: Element) -> list[Directive]:
        return [directive for directive in it.directives if directive.name in built_in_directives()]
