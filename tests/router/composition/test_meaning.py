"""The meaning of a supergraph depends on nothing but the meaning of its subgraphs."""

from dataclasses import replace
from pathlib import Path

import pytest
from graphql import parse, print_ast
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.composition import Composed, Subgraph, compose

HERE = Path(__file__).parent
ACCEPTED = sorted(str(path.relative_to(HERE / "corpus").with_suffix("")) for path in HERE.glob("corpus/*/*.graphql"))
SUPERGRAPHS = sorted(path.stem for path in (HERE / "reference" / "supergraphs").glob("*.graphql"))
ORDERED = ("fields", "values", "types", "interfaces", "arguments")


def shuffled(draw, sdl):
    """Return a schema with its definitions and their parts in another order."""
    document = parse(sdl, no_location=True)
    definitions = [_parts_shuffled(draw, node) for node in document.definitions]
    return "\n".join(print_ast(node) for node in draw(st.permutations(definitions)))


def _parts_shuffled(draw, node):
    found = {part: getattr(node, part, None) or () for part in ORDERED}
    changed = {part: tuple(draw(st.permutations(items))) for part, items in found.items() if len(items) > 1}
    return replace(node, **changed)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_order_never_changes_the_meaning(data, corpus, facts):
    accepted = [name for name in ACCEPTED if corpus.verdicts[name].get("accepted")]
    name = data.draw(st.sampled_from(accepted))
    subgraphs = corpus.subgraphs(name)
    original = compose(subgraphs)

    other = [Subgraph(it.name, shuffled(data.draw, it.sdl), it.url) for it in data.draw(st.permutations(subgraphs))]
    result = compose(other)

    assert isinstance(original, Composed)
    assert isinstance(result, Composed), result
    assert facts(original.supergraph_sdl) == facts(result.supergraph_sdl)
    assert {it.code for it in original.hints} == {it.code for it in result.hints}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_order_never_changes_the_errors(data, corpus):
    refused = [name for name in ACCEPTED if "codes" in corpus.verdicts[name] and not name.startswith("graphql/")]
    name = data.draw(st.sampled_from(refused))
    subgraphs = corpus.subgraphs(name)

    other = [Subgraph(it.name, shuffled(data.draw, it.sdl), it.url) for it in data.draw(st.permutations(subgraphs))]
    result = compose(other)

    assert not isinstance(result, Composed)
    assert sorted({it.code for it in result}) == corpus.verdicts[name]["codes"]


@pytest.mark.parametrize("name", SUPERGRAPHS)
def test_supergraph_means_what_that_of_the_reference_means(name, corpus, facts):
    expected = (HERE / "reference" / "supergraphs" / f"{name}.graphql").read_text()

    result = compose(corpus.subgraphs(name.replace("__", "/")))

    assert isinstance(result, Composed), result
    assert facts(expected) == facts(result.supergraph_sdl)
