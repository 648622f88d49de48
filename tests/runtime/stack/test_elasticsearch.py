"""The Elasticsearch that we start: it answers, keeps what it had, and is told about where it is missing."""

import httpx2
import pytest

from runtime.embedded.data_directory import DataDirectory
from runtime.stack import elasticsearch
from runtime.stack.backing_command import _ports

pytestmark = pytest.mark.timeout(300)


def test_it_takes_documents_and_finds_them(elasticsearch: str):
    with httpx2.Client(base_url=elasticsearch) as client:
        assert client.put("/stack-test/_doc/1?refresh=true", json={"words": "red shoes"}).status_code == 201
        assert client.get("/stack-test/_search?q=words:shoes").json()["hits"]["total"]["value"] == 1
        assert client.get("/_cat/nodes?h=ip").text.strip() == "127.0.0.1"
        assert client.delete("/stack-test").status_code == 200


@pytest.fixture
def without_it(monkeypatch, tmp_path):
    monkeypatch.setattr(elasticsearch, "_HOMES", tmp_path)


def test_where_it_is_missing_the_cure_is_told(without_it, tmp_path):
    with pytest.raises(elasticsearch.ElasticsearchMissingError, match="sudo storegraph services install"):
        elasticsearch.start_elasticsearch(tmp_path)


def test_who_may_not_write_where_it_belongs_is_told(without_it, monkeypatch, tmp_path):
    monkeypatch.setattr(elasticsearch, "_HOMES", tmp_path / "file" / "homes")
    (tmp_path / "file").touch()
    with pytest.raises(elasticsearch.ElasticsearchMissingError, match="sudo storegraph services install"):
        elasticsearch.install()


def test_folders_from_before_it_get_a_port_for_it_and_keep_the_others(tmp_path):
    (tmp_path / "ports.json").write_text('{"postgres": 1, "redis": 2, "rabbitmq": 3}')
    ports = _ports(DataDirectory(tmp_path))
    assert (ports["postgres"], ports["redis"], ports["rabbitmq"]) == (1, 2, 3)
    assert ports["elasticsearch"] > 1024
    assert _ports(DataDirectory(tmp_path)) == ports
