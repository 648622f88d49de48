"""What other packages may use of composition, and that its values cannot be changed."""

import dataclasses

import pytest

import router.composition
from router.composition import Composed, Subgraph, compose


def test_exported_names():
    assert sorted(router.composition.__all__) == [
        "ComposeFailure",
        "Composed",
        "CompositionError",
        "Config",
        "ConfigError",
        "Hint",
        "Level",
        "Location",
        "SchemaReadError",
        "Subgraph",
        "compose",
        "load_subgraphs",
        "read_config",
    ]


def test_results_are_frozen():
    composed = compose([Subgraph("a", "type Query { a: Int }")])
    [error] = compose([Subgraph("a", "type Query {")])

    assert isinstance(composed, Composed)
    for value in (composed, error, error.locations[0]):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, "other")


def test_api_schema_hides_machinery_and_what_is_inaccessible():
    link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@inaccessible", "@tag"])'
    composed = compose(
        [Subgraph("a", link + '\n"The root" type Query { a: Int @tag(name: "x") b: Int @inaccessible }')]
    )

    assert composed.api_sdl == '"""The root"""\ntype Query {\n  a: Int\n}\n'
