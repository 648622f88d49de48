"""What is hidden from clients must leave a whole API schema behind.

Codes: ``REFERENCED_INACCESSIBLE``, ``QUERY_ROOT_TYPE_INACCESSIBLE``, ``ONLY_INACCESSIBLE_CHILDREN``,
``IMPLEMENTED_BY_INACCESSIBLE``, ``REQUIRED_INACCESSIBLE``, ``DEFAULT_VALUE_USES_INACCESSIBLE``,
``DISALLOWED_INACCESSIBLE``.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.merging import Merge
from router.composition.reporting import Site
from router.sdl.model import EXECUTABLE_LOCATIONS, DirectiveDef, Element, Field, InputValue, Kind, TypeDef
from router.sdl.type_refs import is_list, item, named, nullable
from router.sdl.values import UNSET, Value


def check_inaccessible(merge: Merge) -> None:
    """Check all that is hidden."""
    name = merge.directives.local_names.get("inaccessible")
    if name is not None:
        _Check(merge, name).check()


class _Check:
    def __init__(self, merge: Merge, name: str) -> None:
        self.merge = merge
        self.types = merge.merged.types
        self.name = name
        self.users = self.default_users()

    def is_hidden(self, element: Element) -> bool:
        return element.has(self.name)

    def error(self, code: str, message: str, owner: str, member: str | None = None) -> None:
        self.merge.report.error(code, message, self.sites(owner, member))

    def sites(self, owner: str, member: str | None) -> list[Site]:
        found: list[Site] = []
        for index, it in self.merge.types.get(owner, {}).items():
            element = it if member is None else it.fields.get(member) or it.inputs.get(member) or it.values.get(member)
            if element is not None:
                found.append((self.merge.subgraphs[index], element.at))
        return found

    def check(self) -> None:
        for type_def in list(self.types.values()):
            if type_def.name in self.merge.types:
                self.check_type(type_def)
        for definition in self.merge.merged.directives.values():
            self.check_directive(definition)

    def check_type(self, it: TypeDef) -> None:
        if self.is_hidden(it):
            if self.merge.merged.roots.get("query") == it.name:
                self.error("QUERY_ROOT_TYPE_INACCESSIBLE", f'The query root "{it.name}" is @inaccessible.', it.name)
            return
        children: list[Element] = [*it.fields.values(), *it.inputs.values(), *it.values.values()]
        children += [self.types[name] for name in it.members if name in self.types]
        if children and all(map(self.is_hidden, children)):
            message = f'Type "{it.name}" is in the API schema, but all it consists of is @inaccessible.'
            self.error("ONLY_INACCESSIBLE_CHILDREN", message, it.name)
        for field in it.fields.values():
            self.check_field(it, field)
        for item_ in it.inputs.values():
            self.check_input(it, item_)
        for value in it.values.values():
            if self.is_hidden(value):
                self.check_default_users(f"{it.name}.{value.name}", it.name, value.name)

    def check_field(self, owner: TypeDef, field: Field) -> None:
        coordinate = f"{owner.name}.{field.name}"
        promises = [
            (name, self.types[name].fields[field.name])
            for name in owner.interfaces
            if name in self.types and not self.is_hidden(self.types[name]) and field.name in self.types[name].fields
        ]
        if self.is_hidden(field):
            for name, promise in promises:
                if not self.is_hidden(promise):
                    message = f'"{coordinate}" is @inaccessible but implements "{name}.{field.name}", which is not.'
                    self.error("IMPLEMENTED_BY_INACCESSIBLE", message, owner.name, field.name)
            return
        self.check_reference(coordinate, field.type, owner.name, field.name)
        for arg in field.args.values():
            own = f"{coordinate}({arg.name}:)"
            if not self.is_hidden(arg):
                self.check_reference(own, arg.type, owner.name, field.name)
                continue
            if arg.is_required:
                message = f'Argument "{own}" is @inaccessible but required.'
                self.error("REQUIRED_INACCESSIBLE", message, owner.name, field.name)
            self.check_implementing(owner, field, arg)
            for name, promise in promises:
                promised = promise.args.get(arg.name)
                if promised is not None and not self.is_hidden(promise) and not self.is_hidden(promised):
                    message = f'Argument "{own}" is @inaccessible but implements one of "{name}.{field.name}".'
                    self.error("IMPLEMENTED_BY_INACCESSIBLE", message, owner.name, field.name)

    def check_implementing(self, owner: TypeDef, field: Field, arg: InputValue) -> None:
        """A hidden argument of an interface must not be required by what implements it."""
        for it in self.types.values() if owner.kind is Kind.INTERFACE else ():
            own = it.fields.get(field.name) if owner.name in it.interfaces and not self.is_hidden(it) else None
            implementing = own.args.get(arg.name) if own and not self.is_hidden(own) else None
            if implementing is not None and implementing.is_required and not self.is_hidden(implementing):
                message = (
                    f'Argument "{owner.name}.{field.name}({arg.name}:)" is @inaccessible but "{it.name}" requires it.'
                )
                self.error("REQUIRED_INACCESSIBLE", message, it.name, field.name)

    def check_input(self, owner: TypeDef, it: InputValue) -> None:
        coordinate = f"{owner.name}.{it.name}"
        if not self.is_hidden(it):
            self.check_reference(coordinate, it.type, owner.name, it.name)
            return
        if it.is_required:
            message = f'Input field "{coordinate}" is @inaccessible but required.'
            self.error("REQUIRED_INACCESSIBLE", message, owner.name, it.name)
        self.check_default_users(coordinate, owner.name, it.name)

    def check_reference(self, coordinate: str, ref: str, owner: str, member: str) -> None:
        target = self.types.get(named(ref))
        if target is not None and self.is_hidden(target):
            message = f'Type "{target.name}" is @inaccessible but is the type of "{coordinate}", which is not.'
            self.error("REFERENCED_INACCESSIBLE", message, owner, member)

    def check_default_users(self, coordinate: str, owner: str, member: str) -> None:
        for user in self.users.get(coordinate, ()):
            message = f'"{coordinate}" is @inaccessible but the default of "{user}" uses it.'
            self.error("DEFAULT_VALUE_USES_INACCESSIBLE", message, owner, member)

    def check_directive(self, definition: DirectiveDef) -> None:
        for arg in definition.args.values():
            if not self.is_hidden(arg):
                continue
            message = f'Argument "{arg.name}" of @{definition.name} cannot be @inaccessible'
            if any(it not in EXECUTABLE_LOCATIONS for it in definition.locations):
                self.merge.report.error("DISALLOWED_INACCESSIBLE", f"{message}: it stands on types.")
            elif arg.is_required:
                self.merge.report.error("REQUIRED_INACCESSIBLE", f"{message}: it is required.")

    def default_users(self) -> dict[str, list[str]]:
        """Return which visible defaults use each enum value and input field."""
        found: dict[str, list[str]] = {}
        for coordinate, it in self.visible_inputs():
            if it.default is not UNSET:
                for used in self.uses(it.type, it.default):
                    found.setdefault(used, []).append(coordinate)
        return found

    def visible_inputs(self) -> Iterator[tuple[str, InputValue]]:
        for it in self.types.values():
            if self.is_hidden(it):
                continue
            yield from ((f"{it.name}.{name}", its) for name, its in it.inputs.items() if not self.is_hidden(its))
            for field in it.fields.values():
                for arg in field.args.values() if not self.is_hidden(field) else ():
                    if not self.is_hidden(arg):
                        yield f"{it.name}.{field.name}({arg.name}:)", arg
        for definition in self.merge.merged.directives.values():
            yield from ((f"@{definition.name}({name}:)", arg) for name, arg in definition.args.items())

    def uses(self, ref: str, value: Value) -> Iterator[str]:
        ref = nullable(ref)
        if isinstance(value, list):
            for it in value if is_list(ref) else ():
                yield from self.uses(item(ref), it)
            return
        target = self.types.get(named(ref))
        if target is None or value is None:
            return
        if target.kind is Kind.ENUM:
            yield f"{target.name}.{value}"
        for name, inner in value.items() if isinstance(value, dict) and target.kind is Kind.INPUT else ():
            if name in target.inputs:
                yield f"{target.name}.{name}"
                yield from self.uses(target.inputs[name].type, inner)
