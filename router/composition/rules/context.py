"""``@context`` names what stands on a type; ``@fromContext`` fills an argument from it.

Codes: ``CONTEXT_NAME_INVALID``, ``CONTEXT_NOT_SET``, ``NO_CONTEXT_IN_SELECTION``, ``CONTEXT_NO_RESOLVABLE_KEY``,
``CONTEXT_INVALID_SELECTION``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from router.composition.contexts import parse_context
from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.field_sets import FieldSet, FieldSetError, On, Select, parse_field_set
from router.sdl.model import LEAF, Directive, Field, InputValue, Kind, TypeDef
from router.sdl.type_refs import is_list, is_non_null, item, named, nullable
from router.sdl.values import UNSET


def check_contexts(subgraph: SubgraphSchema, report: Report) -> None:
    """Check all contexts and all arguments that they fill."""
    contexts: dict[str, list[TypeDef]] = {}
    for type_def, directive in subgraph.types_applying("context"):
        name = str(directive.args.get("name"))
        if not name.isascii() or not name.isalnum() or not name[0].isalpha():
            message = f'[{subgraph.name}] "{name}" is no name for a context: only letters and digits make one.'
            report.error("CONTEXT_NAME_INVALID", message, [(subgraph, directive.at)])
        contexts.setdefault(name, []).append(type_def)
    for argument in _contextual_arguments(subgraph, report):
        argument.check(contexts)


def _contextual_arguments(subgraph: SubgraphSchema, report: Report) -> Iterator[_Argument]:
    for definition in subgraph.schema.directives.values():
        for arg in definition.args.values():
            for directive in subgraph.applied(arg, "fromContext"):
                message = f"[{subgraph.name}] @fromContext cannot be on an argument of directive @{definition.name}."
                report.error("CONTEXT_NOT_SET", message, [(subgraph, directive.at)])
    for type_def in subgraph.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for field in type_def.fields.values():
            for arg in field.args.values():
                for directive in subgraph.applied(arg, "fromContext"):
                    yield _Argument(subgraph, report, type_def, field, arg, directive)


@dataclass(slots=True)
class _Argument:
    """An argument that a context is to fill."""

    subgraph: SubgraphSchema
    report: Report
    owner: TypeDef
    field: Field
    arg: InputValue
    directive: Directive

    def error(self, code: str, message: str) -> None:
        where = f"{self.owner.name}.{self.field.name}({self.arg.name}:)"
        text = f'[{self.subgraph.name}] Contextual argument "{where}": {message}'
        self.report.error(code, text, [(self.subgraph, self.directive.at)])

    def invalid(self, message: str) -> None:
        self.error("CONTEXT_INVALID_SELECTION", message)

    def check(self, contexts: dict[str, list[TypeDef]]) -> None:
        if self.owner.kind is not Kind.OBJECT:
            self.error("CONTEXT_NOT_SET", "@fromContext cannot be on a field of an interface.")
            return
        for name in self.owner.interfaces:
            if self.subgraph.schema.field(name, self.field.name):
                self.error("CONTEXT_NOT_SET", f'@fromContext cannot be on a field that interface "{name}" demands.')
        if self.arg.default is not UNSET:
            self.error("CONTEXT_NOT_SET", "@fromContext cannot be on an argument with a default.")
        reference = parse_context(self.directive.args.get("field"))
        if reference is None or not reference[1]:
            self.error("NO_CONTEXT_IN_SELECTION", f"{self.directive} does not begin with a context.")
            return
        context, selection = reference
        if context not in contexts:
            self.error("CONTEXT_NOT_SET", f'context "{context}" is never set.')
        else:
            self.check_selection(selection, contexts[context])
        keys = self.subgraph.applied(self.owner, "key")
        if all(key.args.get("resolvable") is False for key in keys):
            self.error("CONTEXT_NO_RESOLVABLE_KEY", f'type "{self.owner.name}" has no resolvable key.')

    def check_selection(self, text: str, locations: list[TypeDef]) -> None:
        try:
            selection = parse_field_set(text)
        except FieldSetError as error:
            self.invalid(f"{error}.")
            return
        fields = [it for it in selection if isinstance(it, Select)]
        if fields and len(selection) > 1:
            self.invalid("several fields are selected.")
        elif fields:
            for location in locations:
                self.check_value(location, fields[0])
        else:
            self.check_conditions([it for it in selection if isinstance(it, On)], locations)

    def check_conditions(self, conditions: list[On], locations: list[TypeDef]) -> None:
        names = [it.type for it in conditions if it.type]
        if len(set(names)) < len(conditions):
            self.invalid("each inline fragment needs a type of its own.")
            return
        used: set[str] = set()
        for location in locations:
            possible = self.subgraph.schema.possible_types(location.name)
            matching = [it for it in conditions if it.type in possible]
            used |= {str(it.type) for it in matching}
            if not matching:
                self.invalid(f'no type condition fits "{location.name}".')
            for it in matching:
                self.check_single(self.subgraph.schema.types[str(it.type)], it.below)
        for name in set(names) - used:
            self.invalid(f'type condition "{name}" is never used.')

    def check_single(self, parent: TypeDef, selection: FieldSet) -> None:
        if len(selection) == 1 and isinstance(selection[0], Select):
            self.check_value(parent, selection[0])
        else:
            self.invalid("exactly one field must be selected.")

    def check_value(self, parent: TypeDef, it: Select) -> None:
        found = self.resolved(parent, it)
        if found is not None and not _accepts(found, self.arg.type):
            self.invalid(f'the selection has type "{found}", the argument "{self.arg.type}".')

    def resolved(self, parent: TypeDef, it: Select) -> str | None:
        """Return the type of the selected leaf, with the lists on the way; nothing where an error was reported."""
        field = parent.fields.get(it.name)
        if it.alias or it.directives:
            self.invalid("aliases and directives are not allowed in the selection.")
            return None
        if self.subgraph.is_interface_object(parent):
            self.invalid(f'"{parent.name}" is an @interfaceObject.')
        if field is None:
            self.invalid(f'there is no field "{it.name}" on type "{parent.name}".')
            return None
        target = self.subgraph.schema.types.get(named(field.type))
        if target is None or target.kind in LEAF:
            if it.below:
                self.invalid(f'"{parent.name}.{it.name}" has no fields to select.')
                return None
            return _lists(field.type, named(field.type))
        if len(it.below) != 1 or not isinstance(it.below[0], Select):
            self.invalid(f'exactly one field of "{parent.name}.{it.name}" must be selected.')
            return None
        inner = self.resolved(target, it.below[0])
        return None if inner is None else _lists(field.type, inner)


def _lists(around: str, inner: str) -> str:
    """Wrap a type in the lists of another."""
    ref = nullable(around)
    return f"[{_lists(item(ref), inner)}]" if is_list(ref) else inner


def _accepts(found: str, expected: str) -> bool:
    """Tell whether a value of the type that was found can be given where another is expected."""
    if is_non_null(found):
        return _accepts(nullable(found), nullable(expected))
    if is_list(found) and is_list(expected):
        return _accepts(item(found), item(expected)) and not is_non_null(expected)
    return found == expected
