"""Links: urls, names, and what can be wrong with them."""

import pytest

from router.sdl.links import find_links, localized
from router.sdl.reader import read_schema
from router.sdl.specs import FEDERATION, FEDERATION_VERSIONS, SpecUrlError, find_spec, parse_spec_url

FED = "https://specs.apollo.dev/federation"


def links(*applications):
    """Return the links of a schema with these ``@link``."""
    return find_links(read_schema("extend schema " + " ".join(applications)).schema)


def test_url_has_identity_name_and_version():
    url = parse_spec_url("https://specs.apollo.dev/federation/v2.12/")

    assert (url.identity, url.name, url.version) == (FEDERATION, "federation", (2, 12))
    assert str(url) == f"{FED}/v2.12"


@pytest.mark.parametrize(
    "text", ["federation/v2.3", "https://example.org", "https://example.org/v1.0", "https://example.org/a/1.0", ""]
)
def test_other_texts_are_no_urls_of_specifications(text):
    with pytest.raises(SpecUrlError):
        parse_spec_url(text)


def test_names_in_the_schema():
    feature = links(
        f'@link(url: "{FED}/v2.9", as: "fed", import: ["@key", {{name: "@tag", as: "@label"}}, "FieldSet"])'
    )
    federation = feature.features[FEDERATION]

    assert federation.directive_name("key") == "key"
    assert federation.directive_name("tag") == "label"
    assert federation.directive_name("shareable") == "fed__shareable"
    assert federation.type_name("FieldSet") == "FieldSet"
    assert federation.type_name("Scope") == "fed__Scope"
    assert feature.source_of("label") == (federation, "tag")
    assert feature.source_of("fed__requires") == (federation, "requires")
    assert feature.source_of("fed__tag") == (federation, None)
    assert feature.source_of("other") is None


def test_directives_get_the_names_of_the_schema():
    federation = links(f'@link(url: "{FED}/v2.9", import: [{{name: "@key", as: "@id"}}])').features[FEDERATION]

    found = localized(find_spec(FEDERATION, (2, 9)), federation)

    assert found["id"].args["fields"].type == "federation__FieldSet!"
    assert found["federation__requiresScopes"].args["scopes"].type == "[[federation__Scope!]!]!"


@pytest.mark.parametrize("version", FEDERATION_VERSIONS)
def test_versions_only_add(version):
    spec = find_spec(FEDERATION, version)
    before = find_spec(FEDERATION, (2, max(version[1] - 1, 0)))

    assert before.directives.keys() <= spec.directives.keys()


def test_unknown_versions():
    assert find_spec(FEDERATION, (2, 99)) is None
    assert find_spec(FEDERATION, (1, 0)) is None


def test_schema_without_link_links_nothing():
    assert links('@tag(name: "x")').features == {}


@pytest.mark.parametrize(
    ("application", "code"),
    [
        ('@link(url: "nonsense")', "INVALID_LINK_IDENTIFIER"),
        ("@link(url: 3)", "INVALID_LINK_IDENTIFIER"),
        ('@link(url: "https://x.org/a__b/v1.0")', "INVALID_LINK_DIRECTIVE_USAGE"),
        ('@link(url: "https://x.org/a/v1.0", as: "federation")', "INVALID_LINK_DIRECTIVE_USAGE"),
        ('@link(url: "https://x.org/a/v1.0", as: "b_")', "INVALID_LINK_DIRECTIVE_USAGE"),
        ('@link(url: "https://x.org/a/v1.0", import: [{as: "@x"}])', "INVALID_LINK_DIRECTIVE_USAGE"),
        ('@link(url: "https://x.org/a/v1.0", import: [{name: "@x", as: 3}])', "INVALID_LINK_DIRECTIVE_USAGE"),
        ('@link(url: "https://x.org/a/v1.0", import: ["@key"])', "INVALID_LINK_DIRECTIVE_USAGE"),
    ],
)
def test_problems(application, code):
    found = links(f'@link(url: "{FED}/v2.9", import: ["@key"])', application)

    assert [it.code for it in found.problems] == [code]
