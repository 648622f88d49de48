"""Everything that is served beside the GraphQL endpoint: health for machines, the explorer for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from router.config import ConfigError, ExplorerSettings, Sample
from router.server.errors import MethodNotAllowedError, NotFoundError
from router.server.exchange import Response, json_response
from router.server.explorer.page import ExplorerPage
from router.server.explorer.paths import ASSETS

_NO_STORE: Final = ((b"cache-control", b"no-store"),)


class Pages:
    """Serves the pages by their paths.

    Args:
        explorer: the page for developers; None where it is switched off.
        landing: what a person sees in its place; None for nothing.
        ready: whether new requests are welcome.
        ids: names of what is served.
    """

    def __init__(
        self,
        explorer: ExplorerPage | None,
        landing: Response | None,
        ready: Callable[[], bool],
        ids: Mapping[str, str],
    ) -> None:
        self._explorer = explorer
        self._landing = landing
        self._ready = ready
        self._ids = ids

    def answer(self, method: str, path: str, headers: Mapping[bytes, bytes], query_string: bytes = b"") -> Response:
        """Answer a request for a page.

        Raises:
            HttpError: there is no such page, or not by this method.
        """
        page = self._page(path, headers, query_string)
        if page is None:
            raise NotFoundError("Nothing is served here.")
        if method not in ("GET", "HEAD"):
            raise MethodNotAllowedError("This is served by GET.", headers=[(b"allow", b"GET, HEAD")])
        return page

    def wants_explorer(self, method: str, headers: Mapping[bytes, bytes], query_string: bytes) -> bool:
        """Tell whether a person opened the GraphQL endpoint in a browser."""
        return (
            method == "GET"
            and self._explorer is not None
            and b"text/html" in headers.get(b"accept", b"")
            and b"query=" not in query_string
        )

    def _page(self, path: str, headers: Mapping[bytes, bytes], query_string: bytes) -> Response | None:
        if path == "/health":
            return self._health(query_string)
        if path in ("/health/live", "/health/ready"):
            return self._health(path.removeprefix("/health/").encode())
        if self._explorer is None:
            return self._landing if path == "/" else None
        if path == "/":
            return self._explorer.document()
        if path.startswith(ASSETS):
            return self._explorer.asset(path[len(ASSETS) :], headers)
        return None

    def _health(self, probe: bytes) -> Response:
        """Answer a question of an orchestrator in either usual spelling, `/health/live` or `/health?live`."""
        if probe == b"ready" and not self._ready():
            return json_response(503, {"status": "DOWN"}, _NO_STORE)
        ids = {} if probe in (b"live", b"ready") else self._ids
        return json_response(200, {"status": "UP", **ids}, _NO_STORE)


def read_samples(settings: ExplorerSettings) -> tuple[Sample, ...]:
    """Return the operations that the explorer begins with: those of the settings, then those of the folder.

    Raises:
        ConfigError: the folder cannot be read.
    """
    if settings.samples_dir is None:
        return settings.samples
    try:
        files = sorted(Path(settings.samples_dir).glob("*.graphql"))
        return settings.samples + tuple(_sample(path) for path in files)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the explorer's samples in {settings.samples_dir}: {error}") from error


def _sample(path: Path) -> Sample:
    variables = path.with_suffix(".json")
    return Sample(query=path.read_text(encoding="utf-8"), variables=variables.read_text() if variables.exists() else "")
