"""Gets the schemas that a configuration names: from files, from the configuration itself, or from running subgraphs."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from router.composition.config import Config, SubgraphConfig
from router.composition.errors import SchemaReadError
from router.composition.subgraph import Subgraph

_QUERY = json.dumps({"query": "query SubgraphSdl { _service { sdl } }"}).encode()


def load_subgraphs(config: Config, *, timeout: float = 10.0) -> list[Subgraph]:
    """Read the schemas of all subgraphs; raises :class:`SchemaReadError` with all that cannot be had."""
    found: list[Subgraph] = []
    problems: list[str] = []
    for it in config.subgraphs:
        try:
            found.append(Subgraph(it.name, _sdl(it, timeout), it.routing_url))
        except SchemaReadError as error:
            problems.append(f"{it.place}: subgraphs.{it.name}: {error}")
    if problems:
        raise SchemaReadError("\n".join(problems))
    return found


def _sdl(it: SubgraphConfig, timeout: float) -> str:
    if it.sdl is not None:
        return it.sdl
    if it.file is None:
        return _introspect(it.subgraph_url or "", it.introspection_headers, timeout)
    try:
        return it.file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SchemaReadError(f"{it.file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SchemaReadError(f"{it.file}: is not a text in UTF-8") from None


def _introspect(url: str, headers: dict[str, str], timeout: float) -> str:
    if not url.startswith(("http://", "https://")):
        raise SchemaReadError(f'"{url}" is not an http or https url')
    request = Request(url, _QUERY, {"content-type": "application/json", **headers})  # noqa: S310 - checked above
    try:
        with urlopen(request, timeout=timeout) as response:  # noqa: S310 - checked above
            answer = json.load(response)
    except HTTPError as error:
        raise SchemaReadError(f"{url} answers {error.code} {error.reason}") from None
    except (URLError, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise SchemaReadError(f"{url} cannot be reached: {reason}") from None
    except ValueError:
        raise SchemaReadError(f"{url} does not answer JSON") from None
    return _sdl_of(answer, url)


def _sdl_of(answer: Any, url: str) -> str:
    match answer:
        case {"data": {"_service": {"sdl": str(sdl)}}}:
            return sdl
        case {"errors": [{"message": message}, *_]}:
            raise SchemaReadError(f"{url} refuses to tell its schema: {message}")
    raise SchemaReadError(f"{url} does not answer a schema to {{ _service {{ sdl }} }}")
