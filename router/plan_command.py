"""What `storegraph plan` does: shows what each pass on the way from an operation to its answer makes of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from router.execution.compiler import compile_program
from router.execution.documents import Document, read_document
from router.execution.errors import RequestError
from router.execution.settings import DocumentLimits
from router.execution.variables import VariableReader
from router.planner import STAGES, Planner, PlanningError, Trace, condition_variables, dump, plan_json
from router.planner.deferral import defer_variables
from router.sources import WRONG_USE, CommandError, read_supergraph, read_text
from router.supergraph import Supergraph

CODE: Final = "code"
ALL_STAGES: Final = (*STAGES, CODE)


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the command line of `plan` asks for; `query` may be `@` and a file, or `-` for standard input."""

    supergraph: Path
    query: str
    operation: str | None = None
    variables: str = "{}"
    stage: str = "plan"
    as_json: bool = False
    defer: bool = False


def run_plan(options: PlanOptions) -> str:
    """Return the outcome of the stage that was asked for.

    Raises:
        CommandError: the operation cannot be planned, or the options make no sense.
    """
    if options.stage not in ALL_STAGES:
        raise CommandError(f"--stage must be one of {', '.join(ALL_STAGES)}", exit_code=WRONG_USE)
    if options.as_json and options.stage != "plan":
        raise CommandError("--json is for the stage 'plan' only", exit_code=WRONG_USE)
    supergraph = read_supergraph(options.supergraph)
    try:
        document = read_document(supergraph.api_schema, _query(options.query), DocumentLimits())
        conditions = _conditions(supergraph, document, options)
        trace = Planner(supergraph).trace(
            document.node, options.operation, conditions, defer=options.defer, counts=_variables(options.variables)
        )
    except RequestError as error:
        messages = [each["message"] for each in error.as_dicts()]
        raise CommandError("; ".join(str(each).splitlines()[0] for each in messages)) from error
    except PlanningError as error:
        raise CommandError(str(error)) from error
    return _written(supergraph, document, options, conditions, trace)


def _written(
    supergraph: Supergraph, document: Document, options: PlanOptions, conditions: dict[str, bool], trace: Trace
) -> str:
    if options.as_json:
        return orjson.dumps(plan_json(trace.plan), option=orjson.OPT_INDENT_2).decode()
    if options.stage != CODE:
        return dump(options.stage, trace)
    node = document.operation(options.operation)
    return compile_program(supergraph.api_schema, trace.plan, node, document.fragments, conditions).quick.source


def _query(text: str) -> str:
    if text == "-":
        return sys.stdin.read()
    return read_text(Path(text[1:])) if text.startswith("@") else text


def _conditions(supergraph: Supergraph, document: Document, options: PlanOptions) -> dict[str, bool]:
    """Return the values of the variables in `@skip` and `@include`; those not given are false, in `@defer` true."""
    variables = _variables(options.variables)
    node = document.operation(options.operation)
    names = condition_variables(document.node, options.operation)
    if variables:
        variables = dict(VariableReader.of(supergraph.api_schema, node).read(variables))
    deferring = (defer_variables(document.node) or frozenset()) if options.defer else frozenset[str]()
    conditions = {name: variables.get(name) is not False for name in deferring}
    return conditions | {name: bool(variables.get(name)) for name in names}


def _variables(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CommandError(f"--variables is not JSON: {error}", exit_code=WRONG_USE) from error
    if not isinstance(value, dict):
        raise CommandError("--variables must be a JSON object", exit_code=WRONG_USE)
    return value
