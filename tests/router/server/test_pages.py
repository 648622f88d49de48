"""What is served beside GraphQL: health, the explorer, and the access log's account of it all."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from router.config import ConfigError
from router.server.explorer import build, page
from router.telemetry.logs import AccessLog

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built bundle that stands in for GraphiQL's."""
    (tmp_path / build.STAMP).write_text("0123456789abcdef")
    (tmp_path / "explorer.js").write_text("run()")
    (tmp_path / "explorer.js.gz").write_bytes(gzip.compress(b"run()"))
    monkeypatch.setattr(page, "DIST", tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_health(connect: Any, path: str, method: str) -> None:
    response = await connect().request(method, path)

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.text == ('{"status":"UP"}' if method == "GET" else "")


@pytest.mark.parametrize("path", ["/health?live", "/health?ready", "/health?live=true"])
async def test_health_in_the_spelling_of_others(connect: Any, path: str) -> None:
    assert (await connect().get(path)).json() == {"status": "UP"}


async def test_health_names_what_is_served(connect: Any, make_app: Any) -> None:
    client = connect(app=make_app(ids={"supergraph": "abc"}))

    assert (await client.get("/health")).json() == {"status": "UP", "supergraph": "abc"}
    assert (await client.get("/health/live")).json() == {"status": "UP"}


async def test_a_draining_router_is_alive_but_not_ready(connect: Any, make_app: Any) -> None:
    app = make_app()
    app.draining = True
    client = connect(app=app)

    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/health/ready")).status_code == 503
    assert (await client.get("/health?ready")).status_code == 503
    assert (await client.post("/graphql", json={"query": "{ hello }"})).status_code == 200


async def test_health_takes_no_post(connect: Any) -> None:
    assert (await connect().post("/health")).status_code == 405


@pytest.mark.parametrize("path", ["/", "/graphql"])
async def test_a_person_sees_the_explorer(connect: Any, dist: Path, path: str) -> None:
    client = connect("explorer: {title: 'A <shop>', samples: [{query: '{ a </script> }', variables: '{}'}]}")

    response = await client.get(path, headers=BROWSER)

    assert response.status_code == 200
    assert "A &lt;shop&gt;" in response.text
    assert "</script> }" not in response.text
    block = response.text.split('id="settings">')[1].split("</script>")[0]
    assert json.loads(block)["samples"] == [{"query": "{ a </script> }", "variables": "{}"}]
    assert json.loads(block)["endpoint"] == "/graphql"


async def test_whom_a_person_may_ask_as_is_part_of_the_page(connect: Any, dist: Path) -> None:
    log_in = "{mutation: 'mutation { a }', token: a.b, users: [{name: Ada, variables: {email: a}}]}"

    response = await connect(f"explorer: {{log_in: {log_in}}}").get("/")

    block = json.loads(response.text.split('id="settings">')[1].split("</script>")[0])
    assert block["logIn"] == {"mutation": "mutation { a }", "token": "a.b"}
    assert block["users"] == [{"name": "Ada", "variables": {"email": "a"}}]
    assert block["plans"] == {"run": "/explorer/run", "explain": "/explorer/plan"}


async def test_the_page_may_only_talk_to_its_own_origin(connect: Any, dist: Path) -> None:
    response = await connect().get("/")

    policy = dict(part.strip().partition(" ")[::2] for part in response.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["worker-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert response.headers["x-frame-options"] == "DENY"
    assert "http" not in response.text.replace("http-equiv", "")


async def test_files_of_the_bundle_travel_compressed(connect: Any, dist: Path) -> None:
    client = connect()

    packed = await client.get("/explorer/explorer.js", headers={"accept-encoding": "gzip"})
    plain = await client.get("/explorer/explorer.js", headers={"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == "run()"
    assert packed.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("name", ["SOURCES.sha256", "nothing.js", "../page.js", "a/b.js", ""])
async def test_nothing_else_is_served(connect: Any, dist: Path, name: str) -> None:
    assert (await connect().get(f"/explorer/{name}")).status_code == 404


async def test_without_a_bundle_the_page_says_how_to_build_it(connect: Any, dist: Path) -> None:
    (dist / build.STAMP).unlink()

    response = await connect().get("/", headers=BROWSER)

    assert response.status_code == 200
    assert build.COMMAND in response.text


async def test_the_explorer_can_be_switched_off(connect: Any) -> None:
    client = connect("explorer: {enabled: false}")

    landing = await client.get("/", headers=BROWSER)
    assert "curl /graphql" in landing.text
    assert "script" not in landing.text
    assert (await client.get("/explorer/explorer.js")).status_code == 404
    assert (await client.get("/graphql", headers={"accept": "text/html"})).status_code == 406


async def test_nothing_need_be_said_to_people(connect: Any, dist: Path) -> None:
    client = connect("environment: production\nlanding_page: false")

    assert (await client.get("/", headers=BROWSER)).status_code == 404


async def test_samples_come_from_a_folder(connect: Any, dist: Path, tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "2.graphql").write_text("{ second }")
    (folder / "1.graphql").write_text("{ first }")
    (folder / "1.json").write_text('{"a": 1}')

    response = await connect(f"explorer: {{samples_dir: {folder}}}").get("/")

    block = json.loads(response.text.split('id="settings">')[1].split("</script>")[0])
    assert block["samples"] == [
        {"query": "{ first }", "variables": '{"a": 1}'},
        {"query": "{ second }", "variables": None},
    ]


def test_a_folder_that_cannot_be_read_is_told(make_app: Any, tmp_path: Path) -> None:
    (tmp_path / "1.graphql").write_bytes(b"\xff")

    with pytest.raises(ConfigError, match="samples"):
        make_app(f"explorer: {{samples_dir: {tmp_path}}}")


async def test_the_bundle_is_stale_when_a_source_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "DIST", tmp_path)
    assert build.is_stale()
    (tmp_path / build.STAMP).write_text(build.fingerprint())
    assert not build.is_stale()
    (tmp_path / build.STAMP).write_text("of older sources")
    assert build.is_stale()


async def test_the_access_log_has_a_line_for_each_request() -> None:
    stream = io.BytesIO()
    log = AccessLog("all", stream, now=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    facts = {"method": "POST", "path": "/graphql", "size": 2, "seconds": 0.00123, "operation": "Q"}
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    log.record(request_id=b"1", status=200, **facts, client=b"web", traceparent=trace)
    log.record(request_id=b"2", status=500, **facts)
    assert stream.getvalue() == b""
    await asyncio.sleep(0.3)

    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first == {
        "time": "2026-01-02T00:00:00+00:00",
        "event": "request",
        "request_id": "1",
        "method": "POST",
        "path": "/graphql",
        "operation": "Q",
        "client": "web",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "status": 200,
        "bytes": 2,
        "ms": 1.23,
    }
    assert second["status"] == 500


async def test_the_access_log_can_keep_to_failures() -> None:
    stream = io.BytesIO()
    log = AccessLog("failures", stream)
    for status in (200, 404, 503):
        log.record(request_id=b"1", method="GET", path="/", status=status, size=0, seconds=0, operation=None)
    log.flush()

    assert [json.loads(line)["status"] for line in stream.getvalue().splitlines()] == [503]
