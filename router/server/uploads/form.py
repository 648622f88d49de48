"""The form of a multipart request: an operation, where its files belong, and the files, in this order.

Files are read when a subgraph asks for them, straight from the client. What is read is kept beside in a file of its
own, in memory as long as it is small: a file that comes before the one that is wanted waits there, and one that two
subgraphs want is read from there by the second.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import orjson
from typing_extensions import override

from router.execution.exchange import GraphQLRequest
from router.execution.uploads import Upload
from router.http_settings import UploadSettings
from router.server.errors import (
    FileTooLargeError,
    HttpError,
    InvalidUploadError,
    TooManyFilesError,
)
from router.server.graphql_request import Batch, parse_body
from router.server.uploads.parts import PartEnd, PartHead, PartReader

_IN_MEMORY: Final = 262_144
_PIECE: Final = 65_536


class UploadedFile(Upload):
    """A file of a form."""

    def __init__(self, form: UploadForm, key: str) -> None:
        self.filename = ""
        self.content_type = "application/octet-stream"
        self._form = form
        self.key = key
        self._content = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed with the form
        self._size = 0
        self.arrived = False
        """Whether all of it has."""

    @override
    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the content: what has been kept of it, and then what arrives."""
        async with self._form.turn:
            if not self.arrived:
                await self._form.skip_to(self)
                async for piece in self._form.content(self):
                    yield piece
                return
        offset = 0
        while piece := self._read(offset):
            offset += len(piece)
            yield piece

    def keep(self, piece: bytes, limit: int) -> None:
        """Keep a piece.

        Raises:
            FileTooLargeError: the file is too large with it.
        """
        self._size += len(piece)
        if self._size > limit:
            raise FileTooLargeError(f"A file is larger than {limit} bytes.")
        self._content.write(piece)

    def close(self) -> None:
        """Forget the content."""
        self._content.close()

    def _read(self, offset: int) -> bytes:
        self._content.seek(offset)
        return self._content.read(_PIECE)


class UploadForm:
    """A form that is being read.

    Args:
        parts: what arrives.
        settings: bounds.
        operation_limit: bytes of the operation and of the map.
    """

    def __init__(self, parts: PartReader, settings: UploadSettings, operation_limit: int) -> None:
        self._parts = parts
        self._settings = settings
        self._operation_limit = operation_limit
        self._files: dict[str, UploadedFile] = {}
        self.turn = asyncio.Lock()
        """Held by whoever reads."""
        self.fault: HttpError | None = None
        """What turned out to be wrong with the form while its files were read."""

    async def request(self) -> GraphQLRequest:
        """Read the operation and the map, and return the request with its files.

        Raises:
            HttpError: they are not as they should be.
        """
        request = parse_body(await self._field("operations"))
        if isinstance(request, Batch):
            raise InvalidUploadError("Files cannot come with a batch.")
        places = _places(await self._field("map"))
        if len(places) > self._settings.files:
            raise TooManyFilesError(f"A request holds at most {self._settings.files} files.")
        variables: dict[str, Any] = {"variables": dict(request.variables or {})}
        for key, paths in places.items():
            self._files[key] = UploadedFile(self, key)
            for path in paths:
                _put(variables, path, self._files[key])
        return GraphQLRequest(request.query, variables["variables"], request.operation_name, request.extensions)

    async def _field(self, name: str) -> bytes:
        head = await self._parts.next()
        if not isinstance(head, PartHead) or head.name != name:
            raise InvalidUploadError(f"The part '{name}' is missing, or not in its place.")
        content = bytearray()
        while isinstance(piece := await self._parts.next(), bytes):
            content += piece
            if len(content) > self._operation_limit:
                raise InvalidUploadError(f"The part '{name}' is larger than {self._operation_limit} bytes.")
        return bytes(content)

    async def skip_to(self, wanted: UploadedFile) -> None:
        """Keep the files that come before the one that is wanted, and read its head.

        Raises:
            HttpError: the form is not as it should be.
        """
        while (file := await self._next_file()) is not wanted:
            async for _ in self.content(file):
                pass

    async def content(self, file: UploadedFile) -> AsyncIterator[bytes]:
        """Read the content of the file whose head was read, and keep it.

        Raises:
            HttpError: the form is not as it should be.
        """
        try:
            while isinstance(piece := await self._parts.next(), bytes):
                file.keep(piece, self._settings.file_bytes)
                yield piece
            file.arrived = isinstance(piece, PartEnd)
        except HttpError as error:
            self.fault = error
            raise

    async def _next_file(self) -> UploadedFile:
        try:
            head = await self._parts.next()
            if head is None:
                raise InvalidUploadError("A file that the map names is missing.")
            file = self._files.get(head.name) if isinstance(head, PartHead) else None
            if file is None or file.arrived or not isinstance(head, PartHead):
                raise InvalidUploadError("A part is not one of the map's, or comes again.")
        except HttpError as error:
            self.fault = error
            raise
        file.filename, file.content_type = head.filename or "", head.content_type
        return file

    def close(self) -> None:
        """Forget what was kept."""
        for file in self._files.values():
            file.close()


def _places(text: bytes) -> Mapping[str, list[str]]:
    """Read the map: for each file the paths of the variables that it goes into."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidUploadError("The part 'map' is not JSON.") from error
    if not isinstance(value, dict) or not value:
        raise InvalidUploadError("The part 'map' must be an object that names files.")
    for paths in value.values():
        if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
            raise InvalidUploadError("The part 'map' must give each file a list of paths.")
    return value


def _put(variables: dict[str, Any], path: str, file: UploadedFile) -> None:
    """Put a file where a path leads; there must be null."""
    *way, last = path.split(".")
    holder: Any = variables
    if not way or way[0] != "variables":
        raise InvalidUploadError(f"'{path}' does not lead to a variable.")
    for step in way:
        holder = _step(holder, step, path)
    if _step(holder, last, path) is not None:
        raise InvalidUploadError(f"There must be null at '{path}'.")
    holder[int(last) if isinstance(holder, list) else last] = file


def _step(holder: Any, step: str, path: str) -> Any:
    if isinstance(holder, dict) and step in holder:
        return holder[step]
    if isinstance(holder, list) and step.isdecimal() and len(step) < 7 and int(step) < len(holder):
        return holder[int(step)]
    raise InvalidUploadError(f"'{path}' leads nowhere in the operation.")
