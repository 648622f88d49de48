"""Code that turns the working tree into the answer: the client's fields, in the client's order, null where it must be.

It comes in two makes. The quick one (`quick_projection`) is for a tree in good order and raises when it is not. This is
the careful one: what is missing, or not of the kind that the schema says, is null; and null goes up to where the types
allow it.

Each composite and each list of the shape becomes a function, which returns None for a value that is null or had to
become null. Its caller keeps that or, where the type forbids null, returns None in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from router.execution.compiler.shape import (
    AnswerField,
    Composite,
    Items,
    Position,
    TypenameField,
    Variant,
    likeness,
)
from router.execution.compiler.source import Source


def write_projection(source: Source, name: str, shape: Composite) -> None:
    """Write the function that makes the answer, and those it needs."""
    made = _Projection(source).composite(shape)
    with source.function(f"{name}(root, known=None)"):
        source.add(f"return {made}(root)")


@dataclass(slots=True)
class _Projection:
    source: Source
    composites: dict[int, str] = field(default_factory=dict)
    lists: dict[tuple[object, ...], str] = field(default_factory=dict)

    def composite(self, shape: Composite) -> str:
        """Return the name of the function that makes an object of this shape, written before if need be."""
        known = self.composites.get(id(shape))
        if known:
            return known
        name = self.composites[id(shape)] = self.source.name("object")
        if shape.abstract:
            self._dispatch(shape, name)
        else:
            self._object(shape.variants[0], name)
        return name

    def _dispatch(self, shape: Composite, name: str) -> None:
        """Write a function that looks at `__typename`; types that clients may not see become null.

        Where the type makes no difference, it may be missing or be the interface's own.
        """
        functions = [self.source.name(name) for _ in shape.variants]
        for variant, function in zip(shape.variants, functions, strict=True):
            self._object(variant, function)
        optional = not shape.needs_type
        with self.source.function(f"{name}(o)"):
            self._expect("o", "dict")
            self.source.add("t = v if type(v := o.get('__typename')) is str else None")
            for variant, function in zip(shape.variants, functions, strict=True):
                types = self.source.constant("TYPES", variant.types | {shape.name} if optional else variant.types)
                with self.source.block(f"if t in {types}{' or t is None' if optional else ''}:"):
                    self.source.add(f"return {function}(o)")
            self.source.add("return None")

    def _object(self, variant: Variant, name: str) -> None:
        reads = [self._read(answer) for answer in variant.fields]
        with self.source.function(f"{name}(o)"):
            self._expect("o", "dict")
            self.source.add("made = {}")
            for answer, read in zip(variant.fields, reads, strict=True):
                self.source.add(f"made[{answer.key!r}] = v = {read}")
                if not isinstance(answer, TypenameField) and not answer.position.nullable:
                    self._give_up("v")
            self.source.add("return made")

    def _read(self, answer: AnswerField) -> str:
        if isinstance(answer, TypenameField):
            return repr(answer.constant) if answer.constant else "o['__typename']"
        return self._value(answer.position, f"o.get({answer.key!r})")

    def _value(self, position: Position, read: str) -> str:
        """Return the expression that makes a value, or None, from what `read` finds."""
        content = position.content
        if isinstance(content, Composite):
            return f"{self.composite(content)}({read})"
        if isinstance(content, Items):
            return f"{self._items(content)}({read})"
        if content.values is None:
            return read
        values = self.source.constant("VALUES", content.values)
        return f"v if type(v := {read}) is str and v in {values} else None"

    def _items(self, shape: Items) -> str:
        key = (shape.bounds, *likeness(shape.item))
        name = self.lists.get(key)
        if name is None:
            name = self.lists[key] = self.source.name("items")
            value = self._value(shape.item, "o")
            with self.source.function(f"{name}(values)"):
                self._expect("values", "list")
                self.source.add(f"made = [{value} for o in values{shape.bounds}]")
                if not shape.item.nullable:
                    with self.source.block("if None in made:"):
                        self.source.add("return None")
                self.source.add("return made")
        return name

    def _expect(self, variable: str, kind: str) -> None:
        with self.source.block(f"if type({variable}) is not {kind}:"):
            self.source.add("return None")

    def _give_up(self, variable: str) -> None:
        with self.source.block(f"if {variable} is None:"):
            self.source.add("return None")
