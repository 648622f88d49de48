"""What ``@key``, ``@requires`` and ``@provides`` select.

Codes, each for the directives it applies to: ``*_INVALID_FIELDS``, ``*_INVALID_FIELDS_TYPE``, ``*_FIELDS_HAS_ARGS``,
``*_DIRECTIVE_IN_FIELDS_ARG``, ``*_FIELDS_MISSING_EXTERNAL``, ``*_UNSUPPORTED_ON_INTERFACE``,
``KEY_FIELDS_SELECT_INVALID_TYPE``, ``PROVIDES_ON_NON_OBJECT_FIELD``, ``EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE``.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.field_sets import FieldSet, FieldSetError, On, Select, parse_field_set
from router.sdl.model import LEAF, Directive, Field, Kind, TypeDef
from router.sdl.specs import Version
from router.sdl.type_refs import named
from router.sdl.values import EnumName

_KEYS_ON_INTERFACES_SINCE: Version = (2, 3)


def check_keys(subgraph: SubgraphSchema, report: Report) -> None:
    """Check all keys."""
    allowed = (subgraph.version or (2, 0)) >= _KEYS_ON_INTERFACES_SINCE
    for type_def, key in subgraph.types_applying("key"):
        check = _Selection(subgraph, report, "key", key, type_def.name)
        if type_def.kind is Kind.INTERFACE and not allowed:
            check.error("KEY_UNSUPPORTED_ON_INTERFACE", "@key on interfaces needs federation v2.3.")
        check.check(type_def.name)


def check_requires(subgraph: SubgraphSchema, report: Report) -> None:
    """Check all requirements."""
    for type_def, field, requires in subgraph.fields_applying("requires"):
        check = _Selection(subgraph, report, "requires", requires, f"{type_def.name}.{field.name}")
        if type_def.kind is Kind.INTERFACE:
            check.error("REQUIRES_UNSUPPORTED_ON_INTERFACE", "@requires is not supported within interfaces.")
        check.check(type_def.name)


def check_provides(subgraph: SubgraphSchema, report: Report) -> None:
    """Check all that is provided."""
    for type_def, field, provides in subgraph.fields_applying("provides"):
        check = _Selection(subgraph, report, "provides", provides, f"{type_def.name}.{field.name}")
        target = subgraph.schema.types.get(named(field.type))
        if subgraph.is_external(type_def.name, field.name):
            message = "a field cannot have both @provides and @external."
            check.error("EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE", message)
        elif target is None or not target.is_composite:
            message = f'"{field.type}" is neither an object nor an interface nor a union.'
            check.error("PROVIDES_ON_NON_OBJECT_FIELD", message)
        else:
            if type_def.kind is Kind.INTERFACE:
                check.error("PROVIDES_UNSUPPORTED_ON_INTERFACE", "@provides is not supported within interfaces.")
            check.check(target.name)


@dataclass(slots=True)
class _Selection:
    """The check of one selection."""

    subgraph: SubgraphSchema
    report: Report
    name: str
    directive: Directive
    coordinate: str

    def error(self, code: str, message: str) -> None:
        text = f'[{self.subgraph.name}] On "{self.coordinate}", for {self.directive}: {message}'
        self.report.error(code, text, [(self.subgraph, self.directive.at)])

    def invalid(self, message: str) -> None:
        self.error(f"{self.name.upper()}_INVALID_FIELDS", message)

    def check(self, parent: str) -> None:
        fields = self.directive.args.get("fields")
        if not isinstance(fields, str) or isinstance(fields, EnumName):
            self.error(f"{self.name.upper()}_INVALID_FIELDS_TYPE", 'the value of "fields" must be a string.')
            return
        try:
            selection = parse_field_set(fields)
        except FieldSetError as error:
            self.invalid(f"{error}.")
            return
        before = len(self.report.errors)
        self.check_known(parent, selection)
        if len(self.report.errors) == before:
            self.check_allowed(parent, selection, below_external=False)

    def check_known(self, parent: str, selection: FieldSet) -> None:
        """Check that the selection is valid GraphQL on its type."""
        types = self.subgraph.schema.types
        for it in selection:
            if isinstance(it, On):
                condition = types.get(it.type or parent)
                if condition is None or not condition.is_composite or not self.overlaps(parent, condition.name):
                    self.invalid(f'a selection on "{parent}" cannot be on "{it.type}".')
                else:
                    self.check_known(condition.name, it.below)
            elif it.alias:
                self.invalid(f'"{it.alias}: {it.name}" is an alias, which is not supported.')
            elif it.name != "__typename":
                self.check_field(types[parent], it)

    def overlaps(self, left: str, right: str) -> bool:
        schema = self.subgraph.schema
        return left == right or bool(set(schema.possible_types(left)) & set(schema.possible_types(right)))

    def check_field(self, parent: TypeDef, it: Select) -> None:
        field = parent.fields.get(it.name)
        if field is None:
            hint = "" if self.name == "key" else " If another subgraph resolves it, declare it here with @external."
            self.invalid(f'there is no field "{it.name}" on type "{parent.name}".{hint}')
            return
        target = self.subgraph.schema.types.get(named(field.type))
        if self.name == "key" and target is not None and target.kind in (Kind.UNION, Kind.INTERFACE):
            message = f'field "{parent.name}.{it.name}" is {target.kind.value}, which is not allowed in @key.'
            self.error("KEY_FIELDS_SELECT_INVALID_TYPE", message)
            return
        is_leaf = target is None or target.kind in LEAF
        if is_leaf and it.below:
            self.invalid(f'"{parent.name}.{it.name}" of type "{field.type}" has no fields to select.')
        elif not is_leaf and not it.below:
            self.invalid(f'fields of "{parent.name}.{it.name}" of type "{field.type}" must be selected.')
        elif target is not None and it.below:
            self.check_known(target.name, it.below)
        self.check_arguments(parent, field, it)

    def check_arguments(self, parent: TypeDef, field: Field, it: Select) -> None:
        given = {name for name, _ in it.args}
        for name in sorted(given - field.args.keys()):
            self.invalid(f'"{parent.name}.{it.name}" has no argument "{name}".')
        for arg in field.args.values():
            if self.name == "requires" and arg.is_required and arg.name not in given:
                self.invalid(f'"{parent.name}.{it.name}" needs a value for its argument "{arg.name}".')

    def check_allowed(self, parent: str, selection: FieldSet, *, below_external: bool) -> None:
        """Check what federation demands of a selection that is valid."""
        for it in selection:
            if it.directives:
                message = f"directives are not allowed in a selection, but there is {', '.join(it.directives)}."
                self.error(f"{self.name.upper()}_DIRECTIVE_IN_FIELDS_ARG", message)
            if isinstance(it, On):
                self.check_allowed(it.type or parent, it.below, below_external=below_external)
                continue
            field = self.subgraph.schema.field(parent, it.name)
            if field is not None:
                self.check_selected(parent, field, it, below_external=below_external)
            elif self.name != "key" and not below_external:
                self.missing_external(f"{parent}.{it.name}")

    def check_selected(self, parent: str, field: Field, it: Select, *, below_external: bool) -> None:
        coordinate = f"{parent}.{it.name}"
        is_external = self.subgraph.is_external(parent, it.name)
        if self.name != "requires" and field.args:
            message = f'"{coordinate}" cannot be selected because it has arguments.'
            self.error(f"{self.name.upper()}_FIELDS_HAS_ARGS", message)
        if self.name != "key" and not it.below and not below_external and not is_external:
            self.missing_external(coordinate)
        if it.below:
            below = below_external or is_external or self.is_external_below(parent, it.name)
            self.check_allowed(named(field.type), it.below, below_external=below)

    def missing_external(self, coordinate: str) -> None:
        message = f'"{coordinate}" is resolved by this subgraph anyhow, it is not @external.'
        self.error(f"{self.name.upper()}_FIELDS_MISSING_EXTERNAL", message)

    def is_external_below(self, parent: str, name: str) -> bool:
        """Tell whether a field of an interface is external in one of its implementations."""
        schema = self.subgraph.schema
        if schema.types[parent].kind is not Kind.INTERFACE:
            return False
        return any(self.subgraph.is_external(it, name) for it in schema.possible_types(parent))
