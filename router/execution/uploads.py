"""Files among the variables of a request: what they are to the engine, and where they stand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from typing_extensions import override


class Upload(ABC):
    """A file that a client sends along; its content may still be on its way.

    Attributes:
        filename: as the client names it.
        content_type: of the content, as the client says.
    """

    filename: str
    content_type: str

    @abstractmethod
    def chunks(self) -> AsyncIterator[bytes]:
        """Give the content piece by piece; it can be asked for again."""

    @override
    def __repr__(self) -> str:
        return "a file"


def find_uploads(value: Any, path: str = "variables") -> Iterator[tuple[str, Upload]]:
    """Find the files in variables, each with its path as the multipart request specification writes it."""
    if isinstance(value, Upload):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from find_uploads(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_uploads(item, f"{path}.{index}")


def without_uploads(value: Any) -> Any:
    """Return variables with null in place of each file."""
    if isinstance(value, Upload):
        return None
    if isinstance(value, Mapping):
        return {key: without_uploads(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_uploads(item) for item in value]
    return value
