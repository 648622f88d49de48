"""What is committed about the reference implementation is what it says now, and its supergraphs mean what ours mean.

It is asked where Node is and the packages of ``reference/package.json`` are installed: by ``npm install`` in that
folder, or in the folder that ``NODE_MODULES`` names. After a change of the corpus, ``node verdicts.mjs ../corpus >
verdicts.json`` in that folder brings the committed verdicts up to date.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from router.composition import Composed, compose

HERE = Path(__file__).parent
REFERENCE = HERE / "reference"
PACKAGES = Path(os.environ.get("NODE_MODULES", REFERENCE))

pytestmark = pytest.mark.skipif(
    not shutil.which("node") or not (PACKAGES / "node_modules" / "@apollo" / "composition").is_dir(),
    reason="needs Node and `npm install` in tests/router/composition/reference",
)


def ask(*arguments):
    """Run the script that asks the reference."""
    answer = subprocess.run(
        ["node", str(REFERENCE / "verdicts.mjs"), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"NODE_MODULES": str(PACKAGES.resolve())},
    )
    return json.loads(answer.stdout)


def test_committed_verdicts_are_those_of_the_reference(corpus):
    assert ask(str(HERE / "corpus")) == corpus.verdicts


def test_supergraphs_of_the_corpus_mean_the_same(corpus, facts):
    theirs = ask("--all", str(HERE / "corpus"))

    different = []
    for name, sdl in theirs.items():
        ours = compose(corpus.subgraphs(name))
        if not isinstance(ours, Composed) or facts(ours.supergraph_sdl) != facts(sdl):
            different.append(name)

    # There the reference lets a scalar of its own machinery through to clients.
    assert different == ["valid/link_renamed"]
    assert len(theirs) >= 100
