"""The transport of requests that carry files: the GraphQL multipart request specification, streamed.

A file goes on to the subgraph while it still arrives from the client, at the pace of the slower of the two.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterable

import orjson
from pyreqwest.client import Client
from typing_extensions import override

from router.execution.transports.http.library import LibraryHttpTransport
from router.execution.transports.http.settings import HttpSettings
from router.execution.transports.port import SubgraphRequest, SubgraphResponse, SubgraphTransport
from router.execution.uploads import Upload, find_uploads, without_uploads


class UploadingTransport(LibraryHttpTransport):
    """Sends requests with files to one subgraph; those without go the usual way.

    Args:
        url: where the subgraph is.
        client: gives the client, once the event loop runs.
        settings: the bound on responses.
        usual: the transport for requests without files.
    """

    def __init__(
        self, url: str, client: Callable[[], Client], settings: HttpSettings, usual: SubgraphTransport
    ) -> None:
        super().__init__(url, client, settings)
        self._usual = usual

    @override
    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Send a request."""
        files = _by_file(find_uploads(request.variables))
        if not files:
            return await self._usual.send(request)
        boundary = secrets.token_hex(16)
        extra = (("content-type", f"multipart/form-data; boundary={boundary}"), ("apollo-require-preflight", "1"))
        return await self.exchange(request, extra, lambda builder: builder.body_stream(_form(request, files, boundary)))


def _by_file(uploads: Iterable[tuple[str, Upload]]) -> dict[Upload, list[str]]:
    """Return the paths of each file; one file may stand at several."""
    found: dict[Upload, list[str]] = {}
    for path, upload in uploads:
        found.setdefault(upload, []).append(path)
    return found


async def _form(request: SubgraphRequest, files: dict[Upload, list[str]], boundary: str) -> AsyncIterator[bytes]:
    """Write the form: the operation, where its files belong, and the files."""
    operation = b'%b,"variables":%b}' % (request.operation.head, orjson.dumps(without_uploads(request.variables)))
    places = orjson.dumps({str(number): paths for number, paths in enumerate(files.values())})
    yield _part(boundary, 'name="operations"', "application/json") + operation
    yield b"\r\n" + _part(boundary, 'name="map"', "application/json") + places
    for number, file in enumerate(files):
        chunks = file.chunks()
        first = await anext(chunks, b"")  # only now the head of the file has been read
        name = f'name="{number}"; filename="{_quoted(file.filename)}"'
        yield b"\r\n" + _part(boundary, name, file.content_type) + first
        async for chunk in chunks:
            yield chunk
    yield f"\r\n--{boundary}--\r\n".encode()


def _part(boundary: str, name: str, content_type: str) -> bytes:
    head = f"--{boundary}\r\ncontent-disposition: form-data; {name}\r\ncontent-type: {content_type}\r\n\r\n"
    return head.encode("utf-8", "replace")


def _quoted(name: str) -> str:
    """Escape a file name in the way of browsers, so that it cannot end its header."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
