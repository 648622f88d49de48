"""The operations that the explorer shows first are valid and read as they should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

import runtime.storefront
from runtime.export_schema import SCHEMA

SAMPLES = sorted(runtime.storefront.SAMPLES.glob("*.graphql"))


@pytest.fixture(scope="module")
def api_schema():
    return build_schema((SCHEMA / "api.graphql").read_text())


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 5


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_valid(sample: Path, api_schema) -> None:
    assert validate(api_schema, parse(sample.read_text())) == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_with_variables_brings_them(sample: Path) -> None:
    declared = {
        node.variable.name.value for node in parse(sample.read_text()).definitions[0].variable_definitions or ()
    }
    variables = sample.with_suffix(".json")

    assert set(json.loads(variables.read_text()) if variables.exists() else {}) == declared
