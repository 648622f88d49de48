"""Reading supergraphs of all versions, and the schema that clients see."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import print_schema, validate_schema

from router.supergraph import (
    InconsistentSupergraphError,
    NotASupergraphError,
    SupergraphSyntaxError,
    TypeKind,
    UnsupportedSpecError,
    load_supergraph,
)

CASES = Path(__file__).parents[4] / "shared" / "federation-cases" / "cases"
HEAD = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", as: "hidden", for: SECURITY)
{ query: Query }
directive @join__type(graph: join__Graph!) repeatable on OBJECT
directive @hidden on OBJECT
directive @client(mode: String) on FIELD
scalar join__FieldSet
enum join__Graph {
  A @join__graph(name: "a", url: "http://a")
  B_1 @join__graph(name: "b-1", url: "http://b")
}
"""
SDL = (
    HEAD
    + """
type Query @join__type(graph: A) @join__type(graph: B_1) {
  user(id: ID!, secret: Mode @hidden): User @join__field(graph: A)
  any: [Any!] @join__field(graph: B_1)
  internal: Internal @hidden
}
type User implements Named
  @join__implements(graph: A, interface: "Named")
  @join__type(graph: A, key: "id")
  @join__type(graph: B_1, key: "id", resolvable: false)
{
  id: ID!
  name: String @join__field(graph: A, type: "String!") @join__field(graph: B_1, external: true)
  mail(kind: Kind): String @deprecated(reason: "use name") @hidden
  score: Int
    @join__field(graph: A, override: "b-1", overrideLabel: "percent(10)")
    @join__field(graph: B_1, overrideLabel: "percent(10)")
  tax(rate: Int): Int
    @join__field(graph: B_1, contextArguments: [{context: "b__c", name: "r", type: "Int", selection: "{ rate }"}])
}
interface Named @join__type(graph: A) { name: String }
type Internal @join__type(graph: A) @hidden { x: Int }
union Any
  @join__type(graph: A) @join__type(graph: B_1)
  @join__unionMember(graph: A, member: "User") @join__unionMember(graph: B_1, member: "User")
  @join__unionMember(graph: A, member: "Internal")
  = User | Internal
enum Kind @join__type(graph: A) { WORK HOME @hidden }
enum Mode @join__type(graph: A) @hidden { X }
"""
)
JOIN_01 = """
schema @core(feature: "https://specs.apollo.dev/core/v0.1") @core(feature: "https://specs.apollo.dev/join/v0.1")
{ query: Query }
scalar join__FieldSet
enum join__Graph {
  A @join__graph(name: "a", url: "http://a")
  B @join__graph(name: "b", url: "http://b")
}
type Query { me: User @join__field(graph: A) }
type User @join__owner(graph: A) @join__type(graph: A, key: "id") @join__type(graph: B, key: "id org { id }") {
  id: ID! @join__field(graph: A)
  name: String
  reviews: [Review] @join__field(graph: B, requires: "name")
}
type Review { body: String }
"""


def test_model():
    """What each subgraph says of types and fields is kept."""
    supergraph = load_supergraph(SDL)

    user = supergraph.types["User"]
    assert supergraph.subgraphs == {"a": "http://a", "b-1": "http://b"}
    assert user.kind is TypeKind.OBJECT
    assert [(key.fields, key.resolvable) for key in user.subgraphs["b-1"].keys] == [("id", False)]
    assert sorted(user.fields["id"].subgraphs) == ["a", "b-1"]
    assert [entry.is_resolvable for entry in user.fields["name"].subgraphs.values()] == [True, False]
    assert user.fields["score"].subgraphs["a"].override_label == "percent(10)"
    assert user.fields["tax"].subgraphs["b-1"].context_arguments[0].selection == "{ rate }"
    assert supergraph.types["Any"].members["b-1"] == {"User"}
    assert supergraph.possible_types("Any") == ("Internal", "User")
    assert supergraph.possible_types("User") == ("User",)


def test_public_schema():
    """Clients see neither the joints nor what is inaccessible, under whatever name it was linked."""
    schema = load_supergraph(SDL).api_schema

    assert validate_schema(schema) == []
    text = print_schema(schema)
    assert "union Any = User\n" in text
    assert "user(id: ID!): User" in text
    assert "directive @client(mode: String) on FIELD" in text
    for hidden in ("join__", "hidden", "Internal", "Mode", "HOME", "mail"):
        assert hidden not in text


def test_join_01():
    """Owners resolve what names no graph, and other graphs have their keys."""
    supergraph = load_supergraph(JOIN_01)

    fields = supergraph.types["User"].fields
    assert {name: sorted(field.subgraphs) for name, field in fields.items()} == {
        "id": ["a", "b"],
        "name": ["a"],
        "reviews": ["b"],
    }
    assert sorted(supergraph.types["Review"].fields["body"].subgraphs) == ["a", "b"]


@pytest.mark.parametrize(
    ("sdl", "error"),
    [
        ("type Query {", SupergraphSyntaxError),
        ("type Query { a: Int }", NotASupergraphError),
        (SDL.replace("inaccessible/v0.2", "connect/v0.1"), UnsupportedSpecError),
        (
            SDL.replace("{ query: Query }", '@link(url: "https://x.org/secret/v1.0", for: SECURITY) { query: Query }'),
            UnsupportedSpecError,
        ),
        (
            SDL.replace("@join__field(graph: B_1, external: true)", "@join__field(graph: C)"),
            InconsistentSupergraphError,
        ),
        (SDL.replace('type: "String!"', 'type: "String!!"'), InconsistentSupergraphError),
        (SDL.replace(": Mode @hidden", ": Unknown"), InconsistentSupergraphError),
    ],
)
def test_what_cannot_be_loaded(sdl, error):
    """Each kind of fault has its own error."""
    with pytest.raises(error):
        load_supergraph(sdl)


@pytest.mark.shared
@pytest.mark.parametrize("path", sorted(CASES.glob("*/supergraph.graphql")), ids=lambda path: path.parent.name)
def test_shared_supergraphs(path):
    """The public schema of each shared supergraph is valid."""
    assert validate_schema(load_supergraph(path.read_text()).api_schema) == []
