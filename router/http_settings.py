"""Settings of how GraphQL travels over HTTP: batches, uploads, compression, caches, known operations, REST."""

from __future__ import annotations

from typing import Literal

from router.sections import Section, demand

Encoding = Literal["zstd", "br", "gzip"]


class BatchingSettings(Section, frozen=True):
    """Several operations in one body, as a JSON array.

    Attributes:
        enabled: whether such bodies are taken.
        limit: operations in one body; more are answered with 422.
    """

    enabled: bool = False
    limit: int = 20

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.limit >= 1, "limit must be at least 1")


class CompressionSettings(Section, frozen=True):
    """Compression of responses, for clients that ask for it.

    Attributes:
        enabled: whether responses are compressed.
        encodings: in order of preference among those that a client likes equally.
        threshold: bytes from which on a body is compressed.
    """

    enabled: bool = True
    encodings: tuple[Encoding, ...] = ("zstd", "br", "gzip")
    threshold: int = 1_024


class UploadSettings(Section, frozen=True):
    """Files in GraphQL multipart requests, which are streamed on to the subgraph that takes them.

    Attributes:
        enabled: whether such requests are taken.
        files: how many files one request may hold.
        file_bytes: size of one file.
        request_bytes: size of the whole request.
    """

    enabled: bool = False
    files: int = 10
    file_bytes: int = 50_000_000
    request_bytes: int = 100_000_000

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(min(self.files, self.file_bytes, self.request_bytes) > 0, "limits must be more than 0")


class CachingSettings(Section, frozen=True):
    """What caches between client and router are told.

    Attributes:
        enabled: whether answers carry `Cache-Control`, worked out from what the subgraphs' answers carry and from
            `@cacheControl`, and answers to GET an `ETag`.
        default_max_age: seconds for which a subgraph's answer may be kept that says nothing itself.
    """

    enabled: bool = False
    default_max_age: int = 0


class AutomaticQueriesSettings(Section, frozen=True):
    """Automatic persisted queries: clients send the digest of a document in place of the document.

    Attributes:
        enabled: whether documents are remembered for that.
        limit: documents remembered in memory.
        redis: `redis://` address of a store that all routers share.
        prefix: of the keys in that store.
        lifetime: seconds after which the store forgets a document that nobody asked for.
        timeout: seconds that the store may take; then memory alone counts.
    """

    enabled: bool = True
    limit: int = 512
    redis: str | None = None
    prefix: str = "storegraph:apq:"
    lifetime: int = 86_400
    timeout: float = 0.5


class PersistedOperationsSettings(Section, frozen=True):
    """Operations that clients have published beforehand.

    Attributes:
        path: a manifest in Apollo's format or a folder of them; none, and nothing here has an effect.
        mode: `open` takes any operation, `log-unknown` too but writes those down that nobody published, `safelist`
            takes published ones, by id or spelt out, `require-id` takes them by id alone.
        clients: a file that names the clients and the digests of their API keys; by default `clients.yaml` in the
            folder.
        usage: a file in which it is counted who used what; none, and nothing is counted.
        client_header: in which a client names itself.
        key_header: in which it proves that.
        warm_up: whether published operations are planned when they are read, so that no client waits for that.
    """

    path: str | None = None
    mode: Literal["open", "log-unknown", "safelist", "require-id"] = "open"
    clients: str | None = None
    usage: str | None = None
    client_header: str = "apollographql-client-name"
    key_header: str = "x-api-key"
    warm_up: bool = True

    def __post_init__(self) -> None:
        """Refuse to enforce a list that is not there."""
        demand(self.path is not None or self.mode == "open", f"mode {self.mode} needs a path")


class RestSettings(Section, frozen=True):
    """Routes of a REST API, each answered by an operation.

    Attributes:
        routes: the file that declares them; none, and there are none.
        document: path under which the OpenAPI document is served.
        page: path of the page to read it; none where it is not to be served.
    """

    routes: str | None = None
    document: str = "/openapi.json"
    page: str | None = "/docs"
