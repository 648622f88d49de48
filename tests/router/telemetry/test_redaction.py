"""What a subgraph did not write for clients does not reach them; the log has it under the id that they get."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from router.execution.errors import SubgraphTimeoutError, SubgraphUnreachableError
from router.execution.transports.port import SubgraphResponse
from router.telemetry.redaction import RedactingTransport
from tests.router.traffic.ways import GOOD, asking

SECRET = "SELECT password FROM users"


@pytest.fixture
def told(subgraph):
    def tell(result):
        got = []
        RedactingTransport(subgraph.send, "shop").begin(asking(), got.append)
        with capture_logs() as logs:
            subgraph.answer(result)
        return got[0], logs

    return tell


def body(**error):
    return SubgraphResponse(body=json.dumps({"data": None, "errors": [{"message": SECRET, **error}]}).encode())


@pytest.mark.parametrize(
    "result",
    [
        body(),
        body(extensions={"code": "INTERNAL_SERVER_ERROR", "exception": {"stacktrace": [SECRET]}}),
        SubgraphResponse(decoded={"data": None, "errors": [{"message": SECRET}]}),
        SubgraphResponse(500, "text/html", SECRET.encode()),
    ],
)
def test_what_is_internal_is_told_by_an_id(told, result):
    response, logs = told(result)
    shown = json.dumps(response.decoded) if response.body is None else response.body.decode()
    assert SECRET not in shown
    assert logs[0]["error_id"] in shown
    assert SECRET in str(logs[0]["original"])


def test_the_id_of_the_subgraphs_own_log_is_kept(told):
    response, _ = told(body(extensions={"code": "INTERNAL_SERVER_ERROR", "errorId": "evt_1"}))
    assert json.loads(response.body)["errors"][0]["extensions"]["errorId"] == "evt_1"


def test_what_was_written_for_clients_passes_without_the_stack(told):
    response, logs = told(body(path=["a"], extensions={"code": "NOT_FOUND", "stacktrace": [SECRET]}))
    assert json.loads(response.body)["errors"] == [
        {"message": SECRET, "path": ["a"], "extensions": {"code": "NOT_FOUND"}}
    ]
    assert logs == []


def test_failures_of_the_network_say_no_more_than_their_kind(told):
    error, logs = told(SubgraphUnreachableError("cannot connect to db-7.internal", unsent=True))
    assert (type(error), error.unsent) == (SubgraphUnreachableError, True)
    assert "db-7" not in str(error)
    assert logs[0]["error_id"] in str(error)


@pytest.mark.parametrize("result", [GOOD, SubgraphTimeoutError("no answer within 3 s")])
def test_everything_else_passes_as_it_is(told, result):
    assert told(result) == (result, [])
