import io
import json

import pytest

from kernel import telemetry


@pytest.fixture
def lines():
    stream = io.StringIO()
    telemetry.configure_logging(level="INFO", style="json", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    telemetry.configure_logging()


def test_a_line_names_its_part_and_its_request(lines):
    with telemetry.correlated("request-1"):
        telemetry.get_logger("orders").info("placed", number="7")
    telemetry.get_logger("orders").debug("not at this level")
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "placed", "part": "orders", "number": "7", "level": "info", "correlation_id": "request-1"}


def test_secrets_are_blanked_by_their_names(lines):
    telemetry.get_logger("users").info("login", password="a", access_token="b", api_key="c", email="d")
    (line,) = lines()
    assert [line[name] for name in ("password", "access_token", "api_key", "email")] == ["***", "***", "***", "d"]


def test_a_console_line_is_for_people(capsys: pytest.CaptureFixture[str]):
    telemetry.configure_logging()
    telemetry.get_logger("orders").info("placed")
    assert "placed" in capsys.readouterr().err


@pytest.mark.parametrize("unsafe", ["", "a b", "x\ny", "x" * 129])
def test_an_unsafe_correlation_id_is_replaced(unsafe: str):
    with telemetry.correlated(unsafe) as chosen:
        assert chosen.startswith("evt_")
        assert telemetry.correlation_id() == chosen


def test_ids_end_with_their_block():
    with telemetry.correlated("a", causation="b", trace="c"):
        with telemetry.correlated("d"):
            assert (telemetry.correlation_id(), telemetry.causation_id(), telemetry.traceparent()) == ("d", "", "")
        assert (telemetry.correlation_id(), telemetry.causation_id(), telemetry.traceparent()) == ("a", "b", "c")
    assert telemetry.correlation_id() == ""
