"""The servers that the shop stands on in services mode, all on loopback, in one folder with one owner.

Each of them writes below that folder: postgres/, redis/, rabbitmq/, elasticsearch/, logs/. On other machines they would
be URLs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.left_over import stop_left_over_servers
from runtime.embedded.postgres import Postgres
from runtime.stack.elasticsearch import Elasticsearch, start_elasticsearch
from runtime.stack.postgres import start_debian_postgres, url_of
from runtime.stack.rabbitmq import RabbitMQ, start_rabbitmq
from runtime.stack.redis import Redis
from runtime.stack.supervisor import Program

PREFERRED_PORTS: Final = {"postgres": 15432, "redis": 16379, "rabbitmq": 15673, "elasticsearch": 19200}


@dataclass(frozen=True, slots=True)
class Backing:
    """The servers of a folder that this process owns."""

    directory: DataDirectory
    ports: Mapping[str, int]

    def programs(self) -> Sequence[Program]:
        """Name the servers in the order of their start."""
        redis = self.redis
        return (
            Program("PostgreSQL", self._start_postgres),
            Program("Redis", redis.start, redis.answers),
            Program("RabbitMQ", self._start_rabbitmq),
            Program("Elasticsearch", self._start_elasticsearch),
        )

    @property
    def redis(self) -> Redis:
        """The server that speaks Redis' protocol."""
        return Redis(self.directory.root / "redis", self.ports["redis"], self.directory.secrets().database_password)

    def environment(self) -> dict[str, str]:
        """Give the settings that lead the shop to these servers."""
        secrets, root = self.directory.secrets(), self.directory.root
        broker_password = (root / "rabbitmq" / "password").read_text()
        return {
            "STOREGRAPH_MODE": "services",
            "STOREGRAPH_DATA_DIR": str(root),
            "STOREGRAPH_DATABASE_URL": url_of(self.directory, self.ports["postgres"]),
            "STOREGRAPH_REDIS_URL": self.redis.url,
            "STOREGRAPH_BROKER_URL": f"amqp://storegraph:{broker_password}@127.0.0.1:{self.ports['rabbitmq']}/",
            "STOREGRAPH_ELASTICSEARCH_URL": f"http://127.0.0.1:{self.ports['elasticsearch']}",
            "STOREGRAPH_INTERNAL_KEY": secrets.internal_key,
        }

    def _start_postgres(self) -> Postgres:
        stop_left_over_servers(self.directory)
        return start_debian_postgres(self.directory, self.ports["postgres"])

    def _start_rabbitmq(self) -> RabbitMQ:
        return start_rabbitmq(self.directory.root / "rabbitmq", port=self.ports["rabbitmq"])

    def _start_elasticsearch(self) -> Elasticsearch:
        return start_elasticsearch(self.directory.root / "elasticsearch", port=self.ports["elasticsearch"])
