"""Requests that nobody sends by chance: each by name, as the bytes of its body, with the codes that may refuse it.

An empty set of codes means that the request is unusual but good: it must be answered without errors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

SYNTAX = "GRAPHQL_PARSE_FAILED"
VALIDATION = "GRAPHQL_VALIDATION_FAILED"
INPUT = "BAD_USER_INPUT"
REQUEST = "INVALID_GRAPHQL_REQUEST"
PLAN = "QUERY_PLAN_BUILD_FAILED"
NOTHING = "RESPONSE_VALIDATION_FAILED"
"""The server behind answers to no alias."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """A request and what may be answered."""

    body: bytes
    codes: frozenset[str]


def sent(query: str, *codes: str, variables: Any = None) -> Hostile:
    return Hostile(json.dumps({"query": query, "variables": variables}).encode(), frozenset(codes))


def raw(body: bytes, *codes: str) -> Hostile:
    return Hostile(body, frozenset(codes))


def nested(depth: int) -> str:
    return '{ item(how: "ok") ' + "{ next " * depth + "{ id }" + " }" * depth + " }"


def tree(depth: int) -> str:
    return "{ take(tree: " + "{ below: " * depth + "{ value: 1 }" + " }" * depth + ") }"


def bomb(levels: int, body: str) -> str:
    """Fragments of which each spreads the next twice; `body` holds two places for it."""
    links = "".join(f"fragment F{n} on Item {{ {body.replace('@', f'...F{n + 1}')} }} " for n in range(levels))
    return '{ item(how: "ok") { ...F0 } } ' + links + f"fragment F{levels} on Item {{ id }}"


def within_variables(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"below": value} if depth % 2 else [value]
    return value


def introspection(depth: int) -> str:
    return "{ __schema { types " + "{ fields { type " * depth + "{ name }" + " } }" * depth + " } }"


MANY = {f"v{n}": n for n in range(2000)}
HUGE = "9" * 5000

REQUESTS = {
    "nested 100,000 deep": sent(nested(100_000), SYNTAX),
    **{f"nested {depth} deep": sent(nested(depth), SYNTAX, VALIDATION) for depth in (120, 200, 300, 450, 600, 900)},
    "nested as JSON": raw(b"[" * 200_000, REQUEST),
    "nested JSON objects": raw(b'{"query":' * 50_000, REQUEST),
    "inline fragments nested": sent(
        '{ item(how: "ok") ' + "{ ... " * 900 + "{ id }" + "}" * 900 + "}", SYNTAX, VALIDATION
    ),
    "lists nested in an argument": sent("{ take(any: " + "[" * 5000 + "]" * 5000 + ") }", SYNTAX),
    **{f"input {depth} deep": sent(tree(depth), SYNTAX, VALIDATION, PLAN, "") for depth in (150, 250, 400, 700, 3000)},
    "input 50 deep": sent(tree(50)),
    **{
        f"type {depth} deep": sent(
            "query($v: " + "[" * depth + "Int" + "]" * depth + ") { take(any: $v) }", SYNTAX, VALIDATION, INPUT
        )
        for depth in (150, 400, 900, 5000)
    },
    **{
        f"variable {depth} deep": sent("query($v: JSON) { take(any: $v) }", variables={"v": within_variables(depth)})
        for depth in (100, 251, 300, 500, 900)
    },
    **{
        f"input in a variable {depth} deep": sent(
            "query($v: Tree) { take(tree: $v) }", INPUT, REQUEST, variables={"v": within_variables(depth)}
        )
        for depth in (201, 401, 901)
    },
    "10,000 aliases": sent("{" + " ".join(f'a{n}: item(how: "ok") {{ id }}' for n in range(10_000)) + "}", SYNTAX),
    "10,000 aliases of one word": sent("{" + " ".join(f"a{n}: slow" for n in range(10_000)) + "}", SYNTAX, VALIDATION),
    "3,000 aliases below": sent('{ item(how: "ok") {' + " ".join(f"a{n}: id" for n in range(3000)) + "} }", NOTHING),
    "a field 5,000 times": sent('{ item(how: "ok") {' + "id " * 5000 + "} }", VALIDATION),
    "fields that conflict": sent(
        '{ item(how: "ok") {' + "".join(f"next {{ x: id y{n}: name }} " for n in range(1500)) + "} }",
        VALIDATION,
        SYNTAX,
    ),
    "fragment cycle": sent(
        '{ item(how: "ok") { ...F } } fragment F on Item { next { ...G } } fragment G on Item { ...F }', VALIDATION
    ),
    "fragment of itself": sent("{ ...F } fragment F on Query { ...F }", VALIDATION),
    "cycle of 500 fragments": sent(
        '{ item(how: "ok") { ...F0 } }'
        + "".join(f"fragment F{n} on Item {{ ...F{(n + 1) % 500} }} " for n in range(500)),
        VALIDATION,
    ),
    "chain of 900 fragments": sent(
        '{ item(how: "ok") { ...F0 } }'
        + "".join(f"fragment F{n} on Item {{ ...F{n + 1} }} " for n in range(900))
        + "fragment F900 on Item { id }",
        VALIDATION,
        SYNTAX,
        "",
    ),
    "fragment bomb": sent(bomb(60, "a: next { @ } b: next { @ }"), VALIDATION),
    "fragment bomb at one place": sent(bomb(60, "@ @"), VALIDATION, ""),
    "fragment bomb of equal keys": sent(bomb(60, "next { @ } next { @ }"), VALIDATION, ""),
    "fragment bomb below the limit of fields": sent(bomb(13, "a: next { @ } b: next { @ }"), VALIDATION, ""),
    "2,000 variables": sent(
        "query("
        + " ".join(f"$v{n}: Int" for n in range(2000))
        + "){"
        + " ".join(f"a{n}: take(any: $v{n})" for n in range(1500))
        + "}",
        SYNTAX,
        VALIDATION,
        variables=MANY,
    ),
    "1,000 conditions": sent(
        "query("
        + " ".join(f"$v{n}: Boolean = false" for n in range(1000))
        + '){ item(how: "ok") {'
        + " ".join(f"a{n}: id @skip(if: $v{n})" for n in range(1000))
        + "} }",
        "",
        SYNTAX,
    ),
    "500 conditions on a field": sent('{ item(how: "ok") { id' + " @include(if: true)" * 500 + " } }", VALIDATION),
    "1,000 operations": sent(
        "".join(f"query Q{n} {{ __typename }} " for n in range(1000)), "OPERATION_RESOLUTION_FAILURE"
    ),
    "introspection once": sent(introspection(1)),
    "introspection 20 deep": sent(introspection(20), VALIDATION),
    "huge integer": sent(f"{{ items(count: {HUGE}) {{ id }} }}", VALIDATION),
    "huge integer for anything": sent(f"{{ take(any: {HUGE}) }}", "", VALIDATION),
    "huge number for anything": sent("{ take(any: 1e999999) }", "", VALIDATION),
    "huge integer in a variable": raw(
        b'{"query":"query($n: Int!) { items(count: $n) { id } }","variables":{"n":%b}}' % HUGE.encode(), INPUT, REQUEST
    ),
    "huge exponent in a variable": raw(
        b'{"query":"query($n: Int!) { items(count: $n) { id } }","variables":{"n":1e400}}', INPUT, REQUEST
    ),
    "integer of 20 digits in a variable": raw(
        b'{"query":"query($n: JSON) { take(any: $n) }","variables":{"n":12345678901234567890123}}'
    ),
    "not a number": raw(b'{"query":"query($n: JSON) { take(any: $n) }","variables":{"n":NaN}}', REQUEST),
    "invalid UTF-8": raw(b'{"query":"{ item(how: \\"\xff\xfe\\") { id } }"}', REQUEST),
    "half a surrogate pair": raw(rb'{"query":"{ take(any: \"\ud800\") }"}', REQUEST, SYNTAX),
    "half a surrogate pair in GraphQL": sent('{ take(any: "\\ud800") }', SYNTAX),
    "a null character": sent("{ take \x00 }", SYNTAX),
    "a byte order mark": sent("\ufeff{ take(any: 1) }"),
    "duplicate keys": raw(b'{"query":"{ take }","query":"mutation { touch }"}', REQUEST),
    "duplicate keys, one escaped": raw(rb'{"query":"{ take }","\u0071uery":"mutation { touch }"}', REQUEST),
    "duplicate variables": raw(b'{"query":"{ take }","variables":{},"variables":{"a":1}}', REQUEST),
    "a text of 1.9 MB": sent('{ take(any: "' + "x" * 1_900_000 + '") }'),
    "a name of 1.9 MB": sent("{ " + "x" * 1_900_000 + " }", VALIDATION),
    "1.9 MB of commas": sent("{" + "," * 1_900_000 + "}", SYNTAX),
    "1.9 MB of comments": sent("{ take } " + "#\n" * 450_000, SYNTAX),
    "nothing selected": sent("{ }", SYNTAX),
    "nothing selected below": sent('{ item(how: "ok") { } }', SYNTAX),
    "a block text of 100,000 lines": sent('{ take(any: """' + "\n  x" * 100_000 + '""") }', "", SYNTAX),
    "50,000 variables that nobody declared": sent("{ take }", variables={f"v{n}": n for n in range(50_000)}),
}
