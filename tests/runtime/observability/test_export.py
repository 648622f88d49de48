"""The generated kit: every expression is PromQL, every alert has its section in the runbook, nothing is stale."""

from __future__ import annotations

import json
import re
from pathlib import Path

import promql_parser
import yaml

from runtime.export_schema import PROJECT
from runtime.observability.export import FOLDER, generate, run
from runtime.observability.objectives import BURNS, objectives


def rules() -> list[dict[str, object]]:
    groups = yaml.safe_load(generate()["prometheus-rules.yaml"])["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_expression_is_promql() -> None:
    panels = json.loads(generate()["grafana-router.json"])["panels"]
    expressions = [str(rule["expr"]) for rule in rules()]
    expressions += [target["expr"].replace("$__rate_interval", "1m") for panel in panels for target in panel["targets"]]
    assert len(expressions) > 40
    for expression in expressions:
        promql_parser.parse(expression)


def test_every_recorded_series_that_is_asked_for_is_recorded() -> None:
    text = "".join(generate().values())
    recorded = {str(rule["record"]) for rule in rules() if "record" in rule}
    assert set(re.findall(r"storegraph:[\w:]+", text)) == recorded


def test_every_alert_has_its_section_in_the_runbook() -> None:
    sections = set(re.findall(r"^## (.*)$", (PROJECT / "docs" / "runbook.md").read_text(), re.MULTILINE))
    told = [rule["annotations"]["description"] for rule in rules() if "alert" in rule]  # pyrefly: ignore[bad-index]
    assert {re.search(r"#(\w+)$", text)[1] for text in told} <= sections  # pyrefly: ignore[unsupported-operation]


def test_every_objective_has_an_alert_for_each_speed() -> None:
    alerts = [str(rule["alert"]) for rule in rules() if "Budget" in str(rule.get("alert"))]
    assert len(set(alerts)) == len(objectives()) * len(BURNS)


def test_what_is_written_is_what_the_project_has(tmp_path: Path) -> None:
    assert run(tmp_path, check=False) == 0
    assert run(tmp_path, check=True) == 0
    assert run(FOLDER, check=True) == 0
    (tmp_path / "grafana-router.json").write_text("{}")
    assert run(tmp_path, check=True) == 1
