"""Links by which an operator replays a dead letter: a page that shows what happened, and a button.

Whoever holds a link may use it, like an invitation; so it is signed with the shop's internal key, ends after a week,
and is shown to operators only. Looking at the page changes nothing, since programs follow links, too.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from hashlib import sha256
from html import escape
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from kernel.clock import Clock, SystemClock
from kernel.database import Database
from kernel.events.dead_letters import DeadLetter, find_dead_letter, retry_dead_letters
from kernel.sealing import derive

VALID: Final = timedelta(days=7)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}


class ReplayLinks:
    """Makes and checks the links of one subgraph."""

    def __init__(self, subgraph: str, internal_key: str, clock: Clock | None = None) -> None:
        self.subgraph = subgraph
        self._key = derive(internal_key.encode(), f"links to dead letters of {subgraph}")
        self._clock = clock or SystemClock()

    def path(self, letter: DeadLetter) -> str:
        """Give the address of a dead letter's page, below that of the shop."""
        ends = int((self._clock.now() + VALID).timestamp())
        signed = {"ends": ends, "signature": self._signature(letter.consumer, letter.event_id, ends)}
        return f"{_page_of(self.subgraph)}/{quote(letter.consumer)}/{quote(letter.event_id)}?{urlencode(signed)}"

    def valid(self, consumer: str, event_id: str, ends: str, signature: str) -> bool:
        """Whether we made this, less than a week ago."""
        if not (ends.isascii() and ends.isdigit() and signature.isascii()):
            return False
        expected = self._signature(consumer, event_id, int(ends))
        return hmac.compare_digest(expected, signature) and int(ends) > self._clock.now().timestamp()

    def _signature(self, consumer: str, event_id: str, ends: int) -> str:
        return hmac.new(self._key, f"{consumer}\n{event_id}\n{ends}".encode(), sha256).hexdigest()


def replay_routes(database: Database, links: ReplayLinks) -> Sequence[Route]:
    """Make the page that links lead to: GET shows a dead letter, POST hands it to its consumer again."""

    async def show(request: Request) -> HTMLResponse:
        if not _allowed(request):
            return _page("<p>This link is not valid, or no longer. Get a new one from the command line.</p>", 403)
        letter = await find_dead_letter(database, *_asked(request))
        return _page(_ABOUT.format(**_escaped(letter)) + _FORM) if letter else _page(_NO_LETTER)

    async def replay(request: Request) -> HTMLResponse:
        if not _allowed(request):
            return await show(request)
        count = await retry_dead_letters(database, *_asked(request))
        return _page("<p>It is on its way to its consumer again.</p>" if count else _NO_LETTER)

    def _allowed(request: Request) -> bool:
        given = request.query_params
        return links.valid(*_asked(request), given.get("ends", ""), given.get("signature", ""))

    path = f"{_page_of(links.subgraph)}/{{consumer}}/{{event_id}}"
    return (Route(path, show, methods=["GET"]), Route(path, replay, methods=["POST"]))


_NO_LETTER: Final = "<p>There is no such dead letter: it is being tried again, was handled, or was given up.</p>"
_ABOUT: Final = """<h1>{type}</h1>
<p>{consumer} could not handle {event_id}, about {subject}, in {attempts} attempts; the last on {settled_at}.</p>
<pre>{reason}</pre>
"""
_FORM: Final = (
    '<form method="post"><button>Replay</button></form><p>Mend the cause first. Done twice, it has one effect.</p>'
)


def _page_of(subgraph: str) -> str:
    return f"/dead-letters/{subgraph}"


def _asked(request: Request) -> tuple[str, str]:
    return request.path_params["consumer"], request.path_params["event_id"]


def _escaped(letter: DeadLetter) -> dict[str, str]:
    words = {each.name: escape(str(getattr(letter, each.name))) for each in fields(DeadLetter)}
    return {**words, "settled_at": letter.settled_at.isoformat(timespec="seconds")}


def _page(content: str, status: int = 200) -> HTMLResponse:
    style = "<style>body{font:16px sans-serif;margin:2em}pre{overflow:auto;background:#eee;padding:1em}</style>"
    document = f"<!doctype html><meta charset=utf-8><title>Dead letter</title>{style}{content}"
    return HTMLResponse(document, status, _HEADERS)
