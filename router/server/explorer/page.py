"""The explorer page as the router serves it: one HTML document, the bundle's files, and headers that fence them in."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from router.config import LogInSettings, Sample
from router.server.exchange import Header, HeaderBlock, Response
from router.server.explorer.build import COMMAND, DIST, STAMP
from router.server.explorer.paths import ASSETS, PLAN, RUN

_MEDIA: Final = {".js": b"text/javascript; charset=utf-8", ".css": b"text/css; charset=utf-8"}

# Monaco writes style elements and attributes; everything else comes from this origin and nowhere else.
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    b"img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
_PAGE_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)

_BUNDLED: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{assets}explorer.css?v={version}">
</head>
<body>
<div id="explorer"></div>
<script type="application/json" id="settings">{settings}</script>
<script type="module" src="{assets}explorer.js?v={version}"></script>
</body>
</html>
"""

_BARE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><link rel="icon" href="data:,"></head>
<body>
<h1>{title}</h1>
<p>The GraphQL endpoint is <code>{endpoint}</code>.</p>
<p>The explorer is not built yet: run <code>{command}</code> and load this page again.</p>
</body>
</html>
"""


class ExplorerPage:
    """Serves GraphiQL for one endpoint."""

    def __init__(
        self, *, endpoint: str, title: str, samples: Sequence[Sample] = (), log_in: LogInSettings | None = None
    ) -> None:
        self._endpoint = endpoint
        self._title = title
        self._samples = samples
        self._log_in = log_in

    def document(self) -> Response:
        """Return the page, or the sentence that tells how to build it."""
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-cache"), *_PAGE_HEADERS]
        return Response(200, HeaderBlock(headers), self._html().encode())

    def _html(self) -> str:
        title = html.escape(self._title)
        stamp = DIST / STAMP
        if not stamp.is_file():
            return _BARE.format(title=title, endpoint=html.escape(self._endpoint), command=COMMAND)
        return _BUNDLED.format(
            title=title, assets=ASSETS, version=stamp.read_text()[:16], settings=self._settings_block()
        )

    def _settings_block(self) -> str:
        settings: dict[str, Any] = {
            "endpoint": self._endpoint,
            "plans": {"run": RUN, "explain": PLAN},
            "title": self._title,
            "samples": [{"query": each.query, "variables": each.variables or None} for each in self._samples],
            "users": [],
        }
        if (log_in := self._log_in) is not None:
            settings["logIn"] = {"mutation": log_in.mutation, "token": log_in.token}
            settings["users"] = [{"name": each.name, "variables": each.variables} for each in log_in.users]
        block = orjson.dumps(settings).decode()
        # Inside a data block only the end of the element could be mistaken for markup.
        return block.replace("<", "\\u003c")

    def asset(self, name: str, headers: Mapping[bytes, bytes]) -> Response | None:
        """Return one file of the bundle, compressed where the client takes that, or None if there is no such file."""
        media = _MEDIA.get(name[name.rfind(".") :])
        path = DIST / name
        if media is None or "/" in name or not path.is_file():
            return None
        answer = [(b"content-type", media), (b"cache-control", b"public, max-age=3600"), (b"vary", b"accept-encoding")]
        if b"gzip" in headers.get(b"accept-encoding", b""):
            path = path.with_name(f"{name}.gz")
            answer.append((b"content-encoding", b"gzip"))
        return Response(200, HeaderBlock([*answer, *_PAGE_HEADERS]), path.read_bytes())
