"""What is committed about the reference implementation is what it says now, and its supergraphs mean what ours mean.

It is asked where Node is. After a change of the corpus, ``node verdicts.mjs ../corpus > verdicts.json`` in the folder
``reference`` brings the committed verdicts up to date.
"""

import json
import subprocess
from pathlib import Path

import pytest

from router.composition import Composed, compose

HERE = Path(__file__).parent

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def ask(node_packages):
    """Return a function that runs the script that asks the reference."""
    environment = node_packages(HERE / "reference", "@apollo/composition")

    def ask(*arguments):
        command = ["node", str(HERE / "reference" / "verdicts.mjs"), *arguments]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return json.loads(answer.stdout)

    return ask


def test_committed_verdicts_are_those_of_the_reference(ask, corpus):
    assert ask(str(HERE / "corpus")) == corpus.verdicts


def test_supergraphs_of_the_corpus_mean_the_same(ask, corpus, facts):
    theirs = ask("--all", str(HERE / "corpus"))

    different = []
    for name, sdl in theirs.items():
        ours = compose(corpus.subgraphs(name))
        if not isinstance(ours, Composed) or facts(ours.supergraph_sdl) != facts(sdl):
            different.append(name)

    # There the reference lets a scalar of its own machinery through to clients.
    assert different == ["valid/link_renamed"]
    assert len(theirs) >= 100
