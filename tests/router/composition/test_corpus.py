"""Composition says of every case of the corpus what the reference implementation says: yes or no, and why."""

from pathlib import Path

import pytest

from router.composition import Composed, compose
from router.composition.codes import ADVICE
from router.composition.hint_codes import LEVELS

FOLDER = Path(__file__).parent / "corpus"
NAMES = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.graphql"))
WITHOUT_PLACE = {"NO_QUERIES", "INVALID_SUBGRAPH_NAME", "DISALLOWED_INACCESSIBLE", "REQUIRED_INACCESSIBLE"}


@pytest.mark.parametrize("name", NAMES)
def test_verdict_is_that_of_the_reference(name, corpus):
    expected = corpus.verdicts[name]

    result = compose(corpus.subgraphs(name))

    if "crashed" in expected:
        assert result, "the reference fails on its own input here; we answer"
    elif isinstance(result, Composed):
        assert {"accepted": True, "hints": sorted({it.code for it in result.hints})} == expected
    else:
        assert {"accepted": False, "codes": sorted({it.code for it in result})} == expected


@pytest.mark.parametrize("name", NAMES)
def test_errors_say_where_and_how_to_mend(name, corpus):
    subgraphs = corpus.subgraphs(name)
    names = {it.name for it in subgraphs}
    result = compose(subgraphs)

    for error in [] if isinstance(result, Composed) else result:
        assert error.message
        assert error.advice
        assert error.locations or error.code in WITHOUT_PLACE
        for place in error.locations:
            assert place.subgraph in names
            assert place.line >= 1
            assert place.column >= 1


def test_corpus_is_large_enough(corpus):
    assert len(NAMES) >= 150
    assert set(NAMES) == set(corpus.verdicts)


@pytest.mark.parametrize("code", sorted(ADVICE))
def test_code_has_a_case_that_fails_with_it(code, corpus):
    assert any(code in verdict.get("codes", ()) for verdict in corpus.verdicts.values())


@pytest.mark.parametrize("code", sorted(LEVELS))
def test_hint_has_a_case_that_gives_it(code, corpus):
    assert any(code in verdict.get("hints", ()) for verdict in corpus.verdicts.values())


def test_there_are_at_least_sixty_codes():
    assert len(ADVICE) >= 60
