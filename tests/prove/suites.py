"""Suites of tests as claims: what an area stands on, run against real processes and real servers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.prove.checkout import HERE
from tests.prove.claims import Prover


def prove_suites(prover: Prover, suites: Mapping[str, Sequence[str]]) -> None:
    """Run the test files of each claim; it holds where all of them pass and none is skipped."""
    results = _results(*(name for files in suites.values() for name in files))
    for text, files in suites.items():
        passed = [fine for file, fine in results if file in files]
        good = sum(passed)
        prover.check(text, f"{good} pass, {len(passed) - good} do not", "all pass", bool(passed) and all(passed))


def _results(*files: str) -> list[tuple[str, bool]]:
    """Run tests; give the file of each, and whether it passed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *files]
        subprocess.run(command, cwd=HERE, capture_output=True, check=False)
        cases = ElementTree.parse(report).iter("testcase")
        return [(f"{case.get('classname', '').replace('.', '/')}.py", not len(case)) for case in cases]
