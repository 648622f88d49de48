"""Code that makes the answer from a working tree in good order.

Everything is one expression: a dictionary display for an object, a comprehension for a list. What is read is trusted to
be there and to be an object or a list where the schema says so, and nothing that must not be null is null; if it is not
so, the code raises, and the careful make takes its place (see `projection`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from router.execution.compiler.finding import Finders
from router.execution.compiler.overlap import keys_of
from router.execution.compiler.settled import Settled
from router.execution.compiler.shape import (
    Composite,
    Items,
    Leaf,
    Position,
    TypenameField,
    ValueField,
    Variant,
    content_at,
    likeness,
)
from router.execution.compiler.source import INDENT, Source

MADE = ""
"""The key under which an object keeps what was made of it; no field can be called so."""


def write_quick_projection(
    source: Source, name: str, shape: Composite, finders: Finders, *, whole: bool, partial: bool = False
) -> None:
    """Write the function that makes the answer, and those it needs.

    Args:
        source: where they are written.
        name: what to call it.
        shape: what the client asked for.
        finders: what found objects for the fetches. One object that stands for all equal ones is met again and again,
            so it keeps what was made of it.
        whole: whether the answer is made once and of all that there is, so that nobody needs the tree any more.
        partial: whether the shape has fields that the tree does not have; those that may be null are.
    """
    settled = Settled.of(shape, finders.overlap, finders.single) if whole else Settled()
    repeated = {id(content_at(shape, keys_of(path))) for path in finders.unified} - settled.finished.keys()
    projection = _QuickProjection(source, settled, repeated, partial)
    made = projection.composite(shape)
    with source.function(f"{name}(root, known)"):
        for finish, finders_of_one in projection.finishers:
            for finder in finders_of_one:
                source.add(f"{finish}(known[{finder!r}])")
        source.add(f"return {made}(root)")


@dataclass(slots=True)
class _QuickProjection:
    source: Source
    settled: Settled
    repeated: set[int]
    partial: bool
    composites: dict[int, str] = field(default_factory=dict)
    lists: dict[tuple[object, ...], str] = field(default_factory=dict)
    finishers: list[tuple[str, list[str]]] = field(default_factory=list)

    def composite(self, shape: Composite) -> str:
        """Return the name of the function that makes an object of this shape, written before if need be."""
        known = self.composites.get(id(shape))
        if known:
            return known
        name = self.composites[id(shape)] = self.source.name("object")
        if shape.abstract:
            self._dispatch(shape, name)
            return name
        made = self._object(shape.variants[0])
        with self.source.function(f"{name}(o)"):
            if id(shape) in self.repeated:
                self.source.add(f"o[{MADE!r}] = made = {made}")
                self.source.add("return made")
            else:
                self.source.add(f"return {made}")
        return name

    def _object(self, variant: Variant) -> str:
        """Return the expression that makes an object of `o`."""
        pairs = []
        for answer in variant.fields:
            if isinstance(answer, TypenameField):
                value = repr(answer.constant) if answer.constant else "o['__typename']"
            else:
                value = self._value(answer.position, self._read(answer))
            pairs.append(f"{answer.key!r}: {value}")
        return "{" + ", ".join(pairs) + "}"

    def _read(self, answer: ValueField) -> str:
        """Return the expression that reads a field of `o`."""
        return f"o.get({answer.key!r})" if self.partial and answer.position.nullable else f"o[{answer.key!r}]"

    def _dispatch(self, shape: Composite, name: str) -> None:
        """Write a function that looks at `__typename`.

        Where the type makes no difference, it may be missing or the
        interface's own.
        """
        made = [self._object(variant) for variant in shape.variants]
        optional = not shape.needs_type
        with self.source.function(f"{name}(o)"):
            self.source.add("t = o.get('__typename')" if optional else "t = o['__typename']")
            for variant, expression in zip(shape.variants, made, strict=True):
                types = self.source.constant("TYPES", variant.types | {shape.name} if optional else variant.types)
                with self.source.block(f"if t in {types}{' or t is None' if optional else ''}:"):
                    self.source.add(f"return {expression}")
            self.source.add("raise KeyError(t)")

    def _value(self, position: Position, read: str) -> str:
        """Return the expression that makes the value at a position from what `read` finds."""
        content = position.content
        otherwise = "None" if position.nullable else "null()"
        if isinstance(content, Leaf) and content.values is None:
            return read if position.nullable else f"v if (v := {read}) is not None else null()"
        if isinstance(content, Leaf):
            values = self.source.constant("VALUES", frozenset(content.values or ()))
            return f"v if (v := {read}) in {values} else None if v is None and {position.nullable} else null()"
        if isinstance(content, Items):
            return f"{self._items(content)}(v) if (v := {read}) is not None else {otherwise}"
        if id(content) in self.settled.finished:
            self._finish(content)
            return read if position.nullable else f"v if (v := {read}) is not None else null()"
        made = f"{self.composite(content)}(v)"
        if id(content) in self.repeated and not content.abstract:
            made = f"(v[{MADE!r}] if {MADE!r} in v else {made})"
        return f"{made} if (v := {read}) is not None else {otherwise}"

    def _items(self, shape: Items) -> str:
        key = (shape.bounds, *likeness(shape.item))
        name = self.lists.get(key)
        if name is None:
            name = self.lists[key] = self.source.name("items")
            made = self._list(shape.item)
            with self.source.function(f"{name}(values)"):
                with self.source.block("if type(values) is not list:"):
                    self.source.add("null()")
                if shape.bounds:
                    self.source.add(f"values = values{shape.bounds}")
                for line in made:
                    self.source.add(line)
        return name

    def _list(self, item: Position) -> list[str]:
        """Return the lines that make a list of `values`."""
        content = item.content
        if isinstance(content, Composite) and id(content) in self.settled.alike:
            return self._alike(item, content.variants[0])
        if isinstance(content, Leaf) and content.values is None:
            return ["return values"] if item.nullable else ["if None in values: null()", "return values"]
        if isinstance(content, Composite) and not content.abstract and id(content) not in self.repeated:
            otherwise = "None" if item.nullable else "null()"
            return [f"return [{self._object(content.variants[0])} if o is not None else {otherwise} for o in values]"]
        return [f"return [{self._value(item, 'o')} for o in values]"]

    def _alike(self, item: Position, variant: Variant) -> list[str]:
        """Return the lines that see that objects hold what they should, and only make new ones where they do not."""
        lines = ["for o in values:"]
        if item.nullable:
            lines += [f"{INDENT}if o is None:", f"{INDENT * 2}continue"]
        lines += [f"{INDENT}if len(o) != {len(variant.fields)}:", f"{INDENT * 2}break"]
        for answer in variant.fields:
            if isinstance(answer, ValueField):
                value = self._value(answer.position, self._read(answer))
                lines.append(f"{INDENT}{value}")
        otherwise = "None" if item.nullable else "null()"
        made = f"[{self._object(variant)} if o is not None else {otherwise} for o in values]"
        return [*lines, "else:", f"{INDENT}return values", f"return {made}"]

    def _finish(self, shape: Composite) -> None:
        """Write the function that makes objects over in place."""
        if id(shape) in self.composites:
            return
        name = self.composites[id(shape)] = self.source.name("finish")
        with self.source.function(f"{name}(found)"), self.source.block("for o in found:"):
            self.source.add(f"made = {self._object(shape.variants[0])}")
            self.source.add("o.clear()")
            self.source.add("o.update(made)")
        self.finishers.append((name, self.settled.finished[id(shape)]))
