"""The explorer in a real browser that can reach nothing but the router."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from router.server.explorer import build
from tests.e2e_router.chromium import PROGRAM, Page, chromium
from tests.e2e_router.conftest import Running

YAML = """
explorer:
  title: Test Store
  samples:
    - query: "query Rated($rated: Boolean = false) { products { name rating @include(if: $rated) } }"
      variables: '{"rated": true}'
    - query: "query Best { best { rating } }"
    - query: 'query Me { header(name: "authorization") }'
    - query: "subscription Restocked { restocked { name rating } }"
    - query: "query Later { products { name ... @defer { rating } } }"
    - query: "query Streamed { products @stream(initialCount: 1) { name rating } }"
  log_in:
    mutation: "mutation ($name: String!) { logIn(name: $name) }"
    token: logIn
    users: [{name: "Ada (customer)", variables: {name: ada}}, {name: "Bob (staff)", variables: {name: bob}}]
headers: {forward: [authorization]}
"""
RUN = "document.querySelector('.graphiql-execute-button').click()"
SHOW_PLAN = "document.querySelector('button[aria-label=\"Show Query plan\"]').click()"
PLAN = "document.querySelector('.plan')?.innerText ?? ''"
CHOOSE = """(() => {
  const choice = document.querySelector('.storegraph-user select');
  choice.value = '%s';
  choice.dispatchEvent(new Event('change', {bubbles: true}));
})()"""
RESULT = "document.querySelector('.result-window')?.innerText ?? ''"

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine"),
    pytest.mark.skipif(build.is_stale(), reason=f"the explorer is not built: {build.COMMAND}"),
]


async def test_a_developer_runs_a_sample_and_reads_the_schema(
    start_router: Any, supergraph: Path, tmp_path: Path
) -> None:
    router = start_router(supergraph, yaml=YAML)

    async with chromium(tmp_path / "profile") as page:
        await page.open(f"{router.origin}/")
        await page.wait_for("document.querySelector('.graphiql-execute-button') !== null")
        assert "Test Store" in await page.evaluate("document.body.innerText")

        await page.wait_for("document.querySelectorAll('.graphiql-tab').length === 6")
        await page.evaluate(RUN)
        await page.wait_for(f"({RESULT}).includes('Desk')")
        assert '"rating": 4' in (await page.evaluate(RESULT)).replace("\xa0", " ")

        await page.evaluate("document.querySelector('button[aria-label=\"Show Documentation Explorer\"]').click()")
        await page.wait_for("document.querySelector('.graphiql-doc-explorer')?.innerText.includes('Mutation')")
        assert len(await page.screenshot()) > 10_000

        await open_tab(page, 1, "best")
        await page.evaluate(RUN)
        await page.wait_for(f"({RESULT}).includes('rating')")

    assert_kept_to(page, router)


async def test_a_developer_sees_how_an_answer_came_about(start_router: Any, supergraph: Path, tmp_path: Path) -> None:
    router = start_router(supergraph, yaml=YAML)

    async with chromium(tmp_path / "profile") as page:
        await page.open(f"{router.origin}/")
        await page.wait_for("document.querySelectorAll('.graphiql-tab').length === 6")
        await page.evaluate(SHOW_PLAN)
        await page.wait_for(f"({PLAN}).includes('Run an operation')")
        await page.evaluate(RUN)
        await page.wait_for("document.querySelectorAll('.plan-fetch').length === 2")
        plan = await page.evaluate(PLAN)
        assert "2 fetches to 2 subgraphs in" in plan
        assert "after 0" in plan
        assert "extensions" not in await page.evaluate(RESULT)
        widths = "[...document.querySelectorAll('.plan-bar')].every(bar => bar.getBoundingClientRect().width >= 3)"
        assert await page.evaluate(widths)

        await page.evaluate("document.querySelectorAll('.plan-fetch summary')[1].click()")
        await page.wait_for(f"({PLAN}).includes('_entities')")
        await page.evaluate("document.querySelectorAll('.plan-views button')[2].click()")
        await page.wait_for(f"({PLAN}).includes('def project(')")

        await open_tab(page, 1, "best")
        await page.evaluate("document.querySelector('button[aria-label=\"Show the plan without running\"]').click()")
        await page.wait_for(f"({PLAN}).includes('1 fetch to 1 subgraph, not run')")
    assert_kept_to(page, router)


async def test_a_developer_asks_as_somebody(start_router: Any, supergraph: Path, tmp_path: Path) -> None:
    router = start_router(supergraph, yaml=YAML)

    async with chromium(tmp_path / "profile") as page:
        await page.open(f"{router.origin}/")
        await page.wait_for("document.querySelectorAll('.graphiql-tab').length === 6")
        await open_tab(page, 2, "authorization")
        for user, expected in (("0", "Bearer token-of-ada"), ("1", "Bearer token-of-bob"), ("", "null")):
            await page.evaluate(CHOOSE % user)
            await page.evaluate(RUN)
            await page.wait_for(f"({RESULT}).replaceAll('\\xa0', ' ').includes('{expected}')")
    assert_kept_to(page, router)


async def test_a_developer_follows_a_subscription(start_router: Any, supergraph: Path, tmp_path: Path) -> None:
    router = start_router(supergraph, yaml=YAML)

    async with chromium(tmp_path / "profile") as page:
        await page.open(f"{router.origin}/")
        await page.wait_for("document.querySelectorAll('.graphiql-tab').length === 6")
        await page.evaluate(SHOW_PLAN)
        await open_tab(page, 3, "restocked")
        await page.evaluate(RUN)
        await page.wait_for(f"({RESULT}).includes('Desk')")
        await page.wait_for(f"({PLAN}).includes('2 fetches to 2 subgraphs for each event, the last in')")
        await page.wait_for("document.querySelectorAll('.plan-bar').length === 2")
    assert_kept_to(page, router)


async def test_a_developer_sees_an_answer_grow(start_router: Any, supergraph: Path, tmp_path: Path) -> None:
    router = start_router(supergraph, yaml=YAML)

    async with chromium(tmp_path / "profile") as page:
        await page.open(f"{router.origin}/")
        await page.wait_for("document.querySelectorAll('.graphiql-tab').length === 6")
        await page.evaluate(SHOW_PLAN)
        await open_tab(page, 4, "defer")
        await page.evaluate(RUN)
        await page.wait_for(f"({RESULT}).replaceAll('\\xa0', ' ').includes('\"rating\": 4')")
        assert "hasNext" not in (await page.evaluate(RESULT)).replace('"hasNext": false', "")
        await page.wait_for(f"({PLAN}).includes('2 fetches to 2 subgraphs, answered in parts: the first after')")
        assert "after 0 (deferred)" in await page.evaluate(PLAN)

        await open_tab(page, 5, "stream")
        await page.evaluate(RUN)
        await page.wait_for(
            f"({RESULT}).includes('Desk') && ({RESULT}).replaceAll('\\xa0', ' ').includes('\"rating\": 4')"
        )
        await page.wait_for(f"({PLAN}).includes('3 fetches to 2 subgraphs, answered in parts: the first after')")
    assert_kept_to(page, router)


async def open_tab(page: Page, number: int, text: str) -> None:
    """Open a tab and wait until its operation can be run."""
    await page.evaluate(f"document.querySelectorAll('.graphiql-tab-button')[{number}].click()")
    await page.wait_for(f"document.querySelector('.graphiql-query-editor').innerText.includes('{text}')")
    await asyncio.sleep(0.5)  # the editor tells GraphiQL of its new text a moment later


def assert_kept_to(page: Page, router: Running) -> None:
    """Check that a page spoke to the router alone, and that nothing went wrong in it."""
    asked = {request for request in page.requests if not request.startswith(("data:", "blob:"))}
    assert {request for request in asked if not request.startswith(router.origin)} == set()
    assert page.complaints == []
