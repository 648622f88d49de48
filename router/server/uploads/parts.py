"""A multipart body as it arrives: heads of parts, and pieces of their content."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header

from router.server.body_stream import BodyCutError, BodyReader
from router.server.errors import BodyTooLargeError, InvalidUploadError, UnsupportedMediaError

_LONGEST_BOUNDARY: Final = 70


@dataclass(frozen=True, slots=True)
class PartHead:
    """The head of a part."""

    name: str
    filename: str | None
    content_type: str


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The end of a part."""


Event = PartHead | PartEnd | bytes


def boundary_of(content_type: bytes) -> bytes:
    """Return the boundary of a multipart body.

    Raises:
        UnsupportedMediaError: the content type names none that can be one.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise UnsupportedMediaError("The content-type header must name the boundary of the parts.")
    return boundary


class PartReader:
    """Reads the parts of a body.

    Args:
        body: the body.
        boundary: what divides its parts.
        limit: bytes of the whole body.
    """

    def __init__(self, body: BodyReader, boundary: bytes, limit: int) -> None:
        self._body = body
        self._limit = limit
        self._read = 0
        self._events: deque[Event] = deque()
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_head,
                "on_part_data": self._content,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )
        self._complete = False

    async def next(self) -> Event | None:
        """Return what comes next; None at the end.

        Raises:
            HttpError: the body is not as it should be, or too large.
        """
        while not self._events:
            if self._complete:
                return None
            await self._more()
        return self._events.popleft()

    async def _more(self) -> None:
        try:
            piece = await self._body.read()
        except BodyCutError as error:
            raise InvalidUploadError("The request ends in the middle.") from error
        if not piece:
            raise InvalidUploadError("The last part does not end.")
        self._read += len(piece)
        if self._read > self._limit:
            raise BodyTooLargeError(self._limit)
        try:
            self._parser.write(piece)
        except MultipartParseError as error:
            raise InvalidUploadError("The body is not divided into parts as it says.") from error

    # The parser calls these -------------------------------------------------------------------------------------------

    def _begin_part(self) -> None:
        self._headers = {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _end_head(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        filename = options.get(b"filename")
        self._events.append(
            PartHead(
                options.get(b"name", b"").decode("utf-8", "replace"),
                None if filename is None else filename.decode("utf-8", "replace"),
                self._headers.get(b"content-type", b"application/octet-stream").decode("latin-1"),
            )
        )

    def _content(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _end_part(self) -> None:
        self._events.append(PartEnd())

    def _end(self) -> None:
        self._complete = True
