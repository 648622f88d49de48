"""Code that turns the working tree into the answer: the client's fields, in the client's order, null where it must be.

Each composite and each list of the shape becomes a function. A function returns None for a value that is null or had to
become null; its caller keeps that or, where the type forbids null, returns None in turn. Nothing is checked that the
types allow.

The code comes in two makes. The quick one trusts the working tree: what it reads is there and is an object or a list
where the schema says so; if not, it raises KeyError or TypeError. Then the careful one is used, which takes what is
missing or of another kind for null.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from router.execution.compiler.overlap import keys_of
from router.execution.compiler.shape import (
    AnswerField,
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
from router.execution.compiler.source import Source
from router.planner.plan import Path

PROJECT = "project"


def write_projection(source: Source, shape: Composite, unified: Iterable[Path], *, careful: bool) -> None:
    """Write `project(root)` and the functions it needs.

    Args:
        source: where they are written.
        shape: what the client asked for.
        unified: the paths at whose ends one object stands for all equal ones, so that it is met again and again.
        careful: which make to write.
    """
    repeated = {id(content_at(shape, keys_of(path))) for path in unified}
    writer = _Projection(source, careful, repeated)
    writer.composite(shape, PROJECT)


@dataclass(slots=True)
class _Projection:
    source: Source
    careful: bool
    repeated: set[int]
    composites: dict[int, str] = field(default_factory=dict)
    lists: dict[tuple[object, ...], str] = field(default_factory=dict)

    def read(self, key: str) -> str:
        return f"o.get({key!r})" if self.careful else f"o[{key!r}]"

    # Composites -------------------------------------------------------------------------------------------------------

    def composite(self, shape: Composite, name: str | None = None) -> str:
        """Return the name of the function that makes an object of this shape, written before if need be."""
        known = self.composites.get(id(shape))
        if known:
            return known
        name = name or self.source.name("object")
        self.composites[id(shape)] = name
        if id(shape) in self.repeated:
            self._remember(shape, name)
        elif shape.abstract:
            self._dispatch(shape, name)
        else:
            self._object(shape.variants[0], name)
        return name

    def _remember(self, shape: Composite, name: str) -> None:
        """Write a function that keeps what was made of an object in the object, under a key that no field can have."""
        inner = self.source.name(name)
        if shape.abstract:
            self._dispatch(shape, inner)
        else:
            self._object(shape.variants[0], inner)
        with self.source.function(f"{name}(o)"):
            with self.source.block("if '' not in o:"):
                self.source.add(f"o[''] = {inner}(o)")
            self.source.add("return o['']")

    def _object(self, variant: Variant, name: str) -> None:
        parts = [self._field(answer) for answer in variant.fields]
        with self.source.function(f"{name}(o)"):
            if self.careful:
                with self.source.block("if type(o) is not dict:"):
                    self.source.add("return None")
            self._body(variant, parts, on_null="return None", on_value="return {}")

    def _body(self, variant: Variant, parts: list[_Part], *, on_null: str, on_value: str) -> None:
        for part in parts:
            for line in part.lines:
                self.source.add(line)
            if part.required:
                with self.source.block(f"if {part.expression} is None:"):
                    for line in on_null.split("; "):
                        self.source.add(line)
        keys = (answer.key for answer in variant.fields)
        pairs = ", ".join(f"{key!r}: {part.expression}" for key, part in zip(keys, parts, strict=True))
        self.source.add(on_value.format("{" + pairs + "}"))

    def _dispatch(self, shape: Composite, name: str) -> None:
        """Write a function that looks at `__typename`; types that clients may not see become null.

        Where the type makes no difference, it may be missing or be the interface's own.
        """
        functions = {each: self.source.name(name) for each in range(len(shape.variants))}
        for index, variant in enumerate(shape.variants):
            self._object(variant, functions[index])
        with self.source.function(f"{name}(o)"):
            if self.careful:
                with self.source.block("if type(o) is not dict:"):
                    self.source.add("return None")
            optional = not shape.needs_type and shape.variants
            self.source.add("t = o.get('__typename')" if optional or self.careful else "t = o['__typename']")
            for index, variant in enumerate(shape.variants):
                names = variant.types | {shape.name} if optional else variant.types
                condition = f"t in {self.source.constant('TYPES', names)}" + (" or t is None" if optional else "")
                with self.source.block(f"if {condition}:"):
                    self.source.add(f"return {functions[index]}(o)")
            self.source.add("return None")

    # Fields -----------------------------------------------------------------------------------------------------------

    def _field(self, answer: AnswerField) -> _Part:
        if isinstance(answer, TypenameField):
            return _Part(repr(answer.constant) if answer.constant else "o['__typename']")
        return self._value(answer)

    def _value(self, answer: ValueField) -> _Part:
        position, read = answer.position, self.read(answer.key)
        required = not position.nullable
        content = position.content
        if isinstance(content, Leaf) and content.values is None:
            if not required:
                return _Part(read)
            variable = self.source.name("v")
            return _Part(variable, (f"{variable} = {read}",), required)
        variable = self.source.name("v")
        made = self._made(content, variable)
        lines = (f"{variable} = {read}", f"if {variable} is not None: {variable} = {made}")
        return _Part(variable, lines, required)

    def _made(self, content: Leaf | Items | Composite, variable: str) -> str:
        """Return the expression that makes the answer's value from the working tree's, which is not null."""
        if isinstance(content, Composite):
            return f"{self.composite(content)}({variable})"
        if isinstance(content, Items):
            return f"{self._items(content)}({variable})"
        if content.values is None:
            return variable
        values = self.source.constant("VALUES", content.values)
        guard = f"type({variable}) is str and " if self.careful else ""
        return f"{variable} if {guard}{variable} in {values} else None"

    # Lists ------------------------------------------------------------------------------------------------------------

    def _items(self, shape: Items) -> str:
        item = shape.item
        key = likeness(item)
        name = self.lists.get(key)
        if name is None:
            name = self.lists[key] = self.source.name("items")
            self._list(name, item)
        return name

    def _inline(self, content: Leaf | Items | Composite) -> Variant | None:
        """Return the fields of items that are made right inside the loop instead of in a function of their own."""
        if isinstance(content, Composite) and not content.abstract and id(content) not in self.repeated:
            return content.variants[0]
        return None

    def _list(self, name: str, item: Position) -> None:
        content = item.content
        inline = self._inline(content)
        parts = [self._field(answer) for answer in inline.fields] if inline else []
        made = "" if inline else self._made(content, "o")
        with self.source.function(f"{name}(values)"):
            with self.source.block("if type(values) is not list:"):
                self.source.add("return None" if self.careful else "raise TypeError(values)")
            if isinstance(content, Leaf) and content.values is None:
                self.source.add("return values" if item.nullable else "return None if None in values else values")
                return
            on_null = "add(None); continue" if item.nullable else "return None"
            self.source.add("made = []")
            self.source.add("add = made.append")
            with self.source.block("for o in values:"):
                with self.source.block("if o is None:" if not (inline and self.careful) else "if type(o) is not dict:"):
                    for line in on_null.split("; "):
                        self.source.add(line)
                if inline:
                    self._body(inline, parts, on_null=on_null, on_value="add({})")
                elif item.nullable:
                    self.source.add(f"add({made})")
                else:
                    self.source.add(f"o = {made}")
                    with self.source.block("if o is None:"):
                        self.source.add("return None")
                    self.source.add("add(o)")
            self.source.add("return made")


@dataclass(frozen=True, slots=True)
class _Part:
    """The code of one field: statements, then an expression, which must not be None if `required`."""

    expression: str
    lines: tuple[str, ...] = ()
    required: bool = False
