"""What a person sees who opens the router's address where there is no explorer."""

from __future__ import annotations

import html
from typing import Final

from router.server.exchange import HeaderBlock, Response

_HEADERS: Final = HeaderBlock(
    [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"cache-control", b"no-cache"),
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
)

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --muted: color-mix(in srgb, currentColor 65%, transparent); }}
body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 42rem; margin: 12vh auto; padding: 0 1.5rem; }}
h1 {{ font-size: 1.5rem; letter-spacing: -0.01em; }}
p, dt {{ color: var(--muted); }}
pre {{ padding: 1rem; border-radius: 8px; overflow-x: auto; }}
pre {{ background: color-mix(in srgb, currentColor 7%, transparent); }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; }} dd {{ margin: 0; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>This is a GraphQL endpoint. Send your operations by POST:</p>
<pre>curl {endpoint} \\
  --header 'content-type: application/json' \\
  --data '{{"query": "{{ __typename }}"}}'</pre>
<dl>
<dt>GraphQL</dt><dd><code>{endpoint}</code></dd>
<dt>Health</dt><dd><code>/health</code>, <code>/health/live</code>, <code>/health/ready</code></dd>
</dl>
</body>
</html>
"""


def landing_page(title: str, endpoint: str) -> Response:
    """Return the page for an endpoint."""
    page = _PAGE.format(title=html.escape(title), endpoint=html.escape(endpoint))
    return Response(200, _HEADERS, page.encode())
