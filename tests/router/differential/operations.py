"""Random operations that are valid against a schema; a seed gives the same one again."""

from __future__ import annotations

import random
from typing import Any

from graphql import (
    GraphQLSchema,
    is_abstract_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    parse,
    validate,
)
from graphql.type import GraphQLNamedType, get_named_type


class OperationMaker:
    """Makes one operation."""

    def __init__(self, schema: GraphQLSchema, seed: int) -> None:
        self.schema = schema
        self.random = random.Random(seed)
        self.variables: dict[str, tuple[str, Any]] = {}
        self.fragments: list[str] = []
        self.left = self.random.choice([8, 20, 50])

    def make(self) -> tuple[str, dict[str, Any]]:
        """Return a document and its variables."""
        depth = self.random.randint(2, 6)
        root = self.schema.query_type
        body = self.selection(root, depth, 3)
        definitions = ", ".join(f"${name}: {type_}" for name, (type_, _value) in self.variables.items())
        head = f"query({definitions})" if definitions else "query"
        text = "\n".join([f"{head} {body}", *self.fragments])
        return text, {name: value for name, (_type, value) in self.variables.items()}

    def selection(self, type_: GraphQLNamedType, depth: int, most: int = 4) -> str:
        parts = [self.part(type_, depth) for _ in range(self.random.randint(1, most))]
        parts = [part for part in parts if part] or ["__typename"]
        return "{ " + " ".join(parts) + " }"

    def part(self, type_: Any, depth: int) -> str:
        chance = self.random.random()
        self.left -= 1
        if self.left < 0:
            depth = 1
        if chance < 0.08 or (not is_object_type(type_) and not is_interface_type(type_) and chance < 0.2):
            return self.aliased("__typename")
        if depth < 1 or (depth == 1 and not hasattr(type_, "fields")):
            return "__typename"
        if (depth > 1 and chance < (0.45 if is_abstract_type(type_) else 0.2)) or not hasattr(type_, "fields"):
            return self.fragment(type_, depth)
        return self.field(type_, depth)

    def aliased(self, name: str) -> str:
        return f"{self.random.choice('pqrs')}_{name.strip('_')}: {name}" if self.random.random() < 0.15 else name

    def field(self, type_: Any, depth: int) -> str:
        usable = [
            name
            for name, field in type_.fields.items()
            if depth > 1 or not is_composite_type(get_named_type(field.type))
        ]
        if not usable:
            return "__typename"
        name = self.random.choice(usable)
        field = type_.fields[name]
        arguments = ", ".join(f"{key}: {self.input(arg.type)}" for key, arg in field.args.items() if self.wants(arg))
        written = f"({arguments})" if arguments else ""
        alias = name
        if written or self.random.random() < 0.12:
            alias = f"{self.random.choice('ab')}{self.random.randint(0, 1)}_{name}"
        inner = ""
        target = get_named_type(field.type)
        if is_composite_type(target):
            inner = " " + self.selection(target, depth - 1)
        head = name if alias == name else f"{alias}: {name}"
        return f"{head}{written}{self.condition()}{inner}"

    def wants(self, argument: Any) -> bool:
        return is_non_null_type(argument.type) or self.random.random() < 0.5

    def condition(self) -> str:
        chance = self.random.random()
        if chance > 0.1:
            return ""
        directive = self.random.choice(["skip", "include"])
        if chance > 0.05:
            return f" @{directive}(if: {self.random.choice(['true', 'false'])})"
        return f" @{directive}(if: {self.variable('Boolean!', self.random.random() < 0.5)})"

    def fragment(self, type_: Any, depth: int) -> str:
        overlapping = [type_, *self.overlapping(type_)]
        target = self.random.choice(overlapping)
        body = self.selection(target, max(depth - self.random.randint(0, 1), 1))
        if self.random.random() < 0.25:
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {target.name} {body}")
            return f"...{name}{self.condition()}"
        condition = "" if target is type_ and self.random.random() < 0.5 else f" on {target.name}"
        return f"...{condition}{self.condition()} {body}"

    def overlapping(self, type_: Any) -> list[Any]:
        possible = self.possible(type_)
        return [
            other
            for name, other in self.schema.type_map.items()
            if not name.startswith("__")
            and is_composite_type(other)
            and other is not type_
            and self.possible(other) & possible
        ]

    def possible(self, type_: Any) -> set[str]:
        return {t.name for t in self.schema.get_possible_types(type_)} if is_abstract_type(type_) else {type_.name}

    def variable(self, type_: str, value: Any) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = (type_, value)
        return f"${name}"

    def input(self, type_: Any) -> str:
        if self.random.random() < 0.3 and not is_input_object_type(get_named_type(type_)):
            return self.variable(str(type_), self.plain(type_))
        return self.literal(type_)

    def plain(self, type_: Any) -> Any:
        if is_non_null_type(type_):
            return self.plain(type_.of_type)
        if is_list_type(type_):
            return [self.plain(type_.of_type) for _ in range(self.random.randint(0, 2))]
        if is_enum_type(type_):
            return self.random.choice(list(type_.values))
        return {"Int": self.random.randint(0, 9), "Float": 1.5, "Boolean": True}.get(
            type_.name, self.random.choice("xyz")
        )

    def literal(self, type_: Any) -> str:
        if is_non_null_type(type_):
            return self.literal(type_.of_type)
        if is_list_type(type_):
            return f"[{', '.join(self.literal(type_.of_type) for _ in range(self.random.randint(0, 2)))}]"
        if is_input_object_type(type_):
            parts = [f"{name}: {self.literal(field.type)}" for name, field in type_.fields.items() if self.wants(field)]
            return f"{{{', '.join(parts)}}}"
        value = self.plain(type_)
        if is_enum_type(type_):
            return str(value)
        return (
            {True: "true", False: "false"}[value]
            if isinstance(value, bool)
            else (f'"{value}"' if isinstance(value, str) else str(value))
        )


def make_operation(schema: GraphQLSchema, seed: int) -> tuple[str, dict[str, Any]]:
    """Return a valid document and its variables; the seed is moved on until one is valid."""
    while True:
        text, variables = OperationMaker(schema, seed).make()
        if not validate(schema, parse(text)):
            return text, variables
        seed += 1_000_003
