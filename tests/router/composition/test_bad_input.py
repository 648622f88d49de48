"""Whatever comes in, an answer comes out that names the place; never an exception."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.composition import Composed, Subgraph, compose

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*/*.graphql"))


def one(sdl, name="a"):
    """Compose one subgraph and return its errors."""
    result = compose([Subgraph(name, sdl)])
    assert not isinstance(result, Composed)
    return result


@pytest.mark.parametrize(
    ("sdl", "place"),
    [
        ("type Query {", "a:1:13"),
        ("type Query { a: Int }\n}", "a:2:1"),
        ("\n\n  type Query { a: }", "a:3:19"),
        ('type Query { a: Int @deprecated(reason: "open) }', "a:1:49"),
        ("type Query { a: Int } \x00", "a:1:23"),
        ("", "a:1:1"),
        ("# only a comment\n", "a:2:1"),
    ],
)
def test_syntax_errors_have_a_place(sdl, place):
    [error] = one(sdl)

    assert error.code == "INVALID_GRAPHQL"
    assert [str(it) for it in error.locations] == [place]


def test_nothing_to_compose():
    assert [it.code for it in compose([])] == ["NO_QUERIES"]


def test_two_subgraphs_of_one_name():
    result = compose([Subgraph("a", "type Query { a: Int }"), Subgraph("a", "type Query { b: Int }")])

    assert [it.code for it in result] == ["INVALID_SUBGRAPH_NAME"]


@pytest.mark.parametrize(
    "fields",
    [
        "...F",
        "{ ...F } fragment F on P { ...F }",
        "{ ...F } fragment F on P { ...G } fragment G on P { ...F }",
        "id" + " { id" * 50 + " }" * 50,
        "{" * 5000,
        "",
        "}{",
        "$x",
    ],
)
def test_odd_field_sets(fields):
    link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])'
    sdl = f'{link}\ntype Query {{ p: P }}\ntype P @key(fields: "{fields}") {{ id: ID! }}'

    errors = one(sdl)

    assert {it.code for it in errors} == {"KEY_INVALID_FIELDS"}
    assert all(str(it.locations[0]).startswith("a:3:") for it in errors)


@pytest.mark.timeout(300)
def test_five_megabytes():
    fields = "\n".join(f'  field{n}(first: Int = 10): String! @deprecated(reason: "text {n}")' for n in range(70_000))
    sdl = f"type Query {{\n{fields}\n}}"
    assert len(sdl) > 5_000_000

    assert isinstance(compose([Subgraph("a", sdl)]), Composed)


def test_five_megabytes_with_an_error_at_the_end():
    sdl = "type Query { a: Int }\n" + "# filler\n" * 600_000 + "type"

    [error] = one(sdl)

    assert [str(it) for it in error.locations] == ["a:600002:5"]


def test_deeply_nested_types():
    sdl = f"type Query {{ a: {'[' * 5000}Int{']' * 5000} }}"

    [error] = one(sdl)

    assert error.code == "INVALID_GRAPHQL"


def test_long_chains_of_types():
    chain = "\n".join(f"type T{n} {{ next: T{n + 1} }}" for n in range(3000)) + "\ntype T3000 { end: Int }"

    assert isinstance(compose([Subgraph("a", f"type Query {{ t: T0 }}\n{chain}")]), Composed)


def test_errors_of_all_subgraphs_are_told_together():
    result = compose(
        [
            Subgraph("a", "type Query { a: Nope b: Neither }"),
            Subgraph("b", "type Query {"),
            Subgraph(
                "c", 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.77")\ntype Query { c: Int }'
            ),
        ]
    )

    assert [(it.code, str(it.locations[0])) for it in result] == [
        ("INVALID_GRAPHQL", "a:1:14"),
        ("INVALID_GRAPHQL", "a:1:22"),
        ("INVALID_GRAPHQL", "b:1:13"),
        ("UNKNOWN_FEDERATION_LINK_VERSION", "c:1:15"),
    ]


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damaged_schemas_never_raise(seed):
    """Fuzz: pieces of the corpus, cut, doubled and mixed."""
    chance = random.Random(seed)
    text = chance.choice(CORPUS).read_text()
    for _ in range(chance.randint(1, 6)):
        start, length = chance.randrange(len(text) + 1), chance.randint(0, 12)
        piece = chance.choice(
            ["", "{", "}", "(", ")", "!", "[", '"', "@key", "@external", " type ", "id", "Int", "\\", "$"]
        )
        text = text[:start] + piece + text[start + chance.choice([0, length]) :]
    parts = text.split("# subgraph: ")[1:] or [text]
    subgraphs = [Subgraph(f"s{number}", part.partition("\n")[2]) for number, part in enumerate(parts)]

    result = compose(subgraphs)

    assert isinstance(result, Composed) or result
