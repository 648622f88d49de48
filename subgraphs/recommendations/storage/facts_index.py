"""The facts of analytics in Elasticsearch: one document for each, under the fact's own id.

Documents carry the version that their change has in PostgreSQL. An older or equal one is refused by Elasticsearch, so
that facts that are told twice, late or by two processes at once leave what was told last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from elasticsearch import ApiError, AsyncElasticsearch, TransportError
from elasticsearch.serializer import OrjsonSerializer

from kernel.errors import InfrastructureError
from subgraphs.recommendations.storage.changed_facts import KINDS, ChangedFact

_KEYWORD: Final = {"type": "keyword"}
_DATE: Final = {"type": "date"}
_LONG: Final = {"type": "long"}
_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "sales": {
        "buyer": _KEYWORD,
        "who": _KEYWORD,
        "currency": _KEYWORD,
        "total_minor": _LONG,
        "units": _LONG,
        "confirmed_at": _DATE,
        "cancelled": {"type": "boolean"},
        "lines": {
            "type": "nested",
            "properties": {"product_id": _KEYWORD, "quantity": _LONG, "revenue_minor": _LONG},
        },
    },
    "refunds": {"currency": _KEYWORD, "amount_minor": _LONG, "refunded_at": _DATE},
    "checkouts_started": {"started_at": _DATE},
    "product_views": {"visitor": _KEYWORD, "searched": _KEYWORD, "viewed_at": _DATE},
    "searches": {"words": _KEYWORD, "found": _LONG, "searched_at": _DATE},
}
_LAYOUT: Final = 1
"""Raised when the fields change: documents go into new indices then, which are filled from the beginning."""
_NEWER_IS_THERE: Final = 409
_PATIENCE: Final = 30.0


class FactsIndexError(InfrastructureError):
    """Elasticsearch could not be reached, or refused."""


def connect(url: str) -> AsyncElasticsearch:
    """Make a client; it connects when it is first asked. Its answers are long: orjson reads them five times faster."""
    return AsyncElasticsearch(url, request_timeout=_PATIENCE, serializer=OrjsonSerializer())


@contextmanager
def told_as_ours() -> Iterator[None]:
    """Tell what goes wrong in the client as an error of ours."""
    try:
        yield
    except (ApiError, TransportError) as error:
        raise FactsIndexError(f"Elasticsearch: {error}", retryable=True) from error


class FactsIndex:
    """The indices of all kinds of facts, each with one shard, so that rankings need no estimate."""

    def __init__(self, client: AsyncElasticsearch, prefix: str) -> None:
        self.client = client
        self._prefix = prefix

    def name(self, kind: str) -> str:
        """Name the alias under which facts of a kind are written and read."""
        return f"{self._prefix}-{kind.replace('_', '-')}"

    async def make(self) -> str:
        """Make the indices that are missing; what is returned changes whenever they are others than before."""
        with told_as_ours():
            settings = await self._settings()
            missing = [kind for kind in KINDS if self._index(kind) not in settings]
            for kind in missing:
                await self._make(kind)
            if missing:
                settings = await self._settings()
        return " ".join(str(settings[self._index(kind)]["settings"]["index"]["uuid"]) for kind in KINDS)

    async def write(self, facts: Sequence[ChangedFact]) -> None:
        """Write facts and remove those that are gone; what is there in a newer state stays.

        Raises:
            FactsIndexError: Elasticsearch was not reached or refused one.
        """
        if not facts:
            return
        operations = [line for fact in facts for line in self._operations(fact)]
        with told_as_ours():
            answer = await self.client.bulk(operations=operations, require_alias=True)
        outcomes = [outcome for item in answer["items"] for outcome in item.values()]
        refused = [each for each in outcomes if "error" in each and each["status"] != _NEWER_IS_THERE]
        if refused:
            raise FactsIndexError(f"Elasticsearch refused {len(refused)} facts: {refused[0]['error']}", retryable=True)

    def _operations(self, fact: ChangedFact) -> Iterator[Mapping[str, Any]]:
        what = "delete" if fact.document is None else "index"
        place = {"_index": self.name(fact.kind), "_id": fact.id}
        yield {what: {**place, "version": fact.version, "version_type": "external"}}
        if fact.document is not None:
            yield fact.document

    def _index(self, kind: str) -> str:
        return f"{self.name(kind)}-{_LAYOUT}"

    async def _settings(self) -> Mapping[str, Any]:
        """Read the settings of the indices that are there, by their names."""
        indices = self.client.indices
        answer = await indices.get_settings(index=list(map(self._index, KINDS)), ignore_unavailable=True)
        return answer.body

    async def _make(self, kind: str) -> None:
        # Somebody else may have made it by now.
        await self.client.options(ignore_status=400).indices.create(
            index=self._index(kind),
            aliases={self.name(kind): {}},
            settings={"number_of_shards": 1, "auto_expand_replicas": "0-1"},
            mappings={"dynamic": "strict", "properties": _FIELDS[kind]},
        )
