"""The explorer in a real browser that can reach nothing but the router."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from router.server.explorer import build
from tests.e2e_router.chromium import PROGRAM, chromium

YAML = """
explorer:
  title: Test Store
  samples:
    - query: "query Rated($rated: Boolean = false) { products { name rating @include(if: $rated) } }"
      variables: '{"rated": true}'
    - query: "query Best { best { rating } }"
"""
RUN = "document.querySelector('.graphiql-execute-button').click()"
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

        await page.wait_for("document.querySelectorAll('.graphiql-tab').length === 2")
        await page.evaluate(RUN)
        await page.wait_for(f"({RESULT}).includes('Desk')")
        assert '"rating": 4' in (await page.evaluate(RESULT)).replace("\xa0", " ")

        await page.evaluate("document.querySelector('button[aria-label=\"Show Documentation Explorer\"]').click()")
        await page.wait_for("document.querySelector('.graphiql-doc-explorer')?.innerText.includes('Mutation')")
        assert len(await page.screenshot()) > 10_000

        await page.evaluate("document.querySelectorAll('.graphiql-tab-button')[1].click()")
        await page.wait_for(f"!({RESULT}).includes('Desk')")
        await page.wait_for("document.querySelector('.graphiql-query-editor').innerText.includes('best')")
        await asyncio.sleep(0.5)  # the editor tells GraphiQL of its new text a moment later
        await page.evaluate(RUN)
        await page.wait_for(f"({RESULT}).includes('rating')")

    asked = {request for request in page.requests if not request.startswith(("data:", "blob:"))}
    assert {request for request in asked if not request.startswith(router.origin)} == set()
    assert page.complaints == []
