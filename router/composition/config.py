"""Reads ``supergraph.yaml`` as rover does, and the schemas it names.

Every problem names the file and, where there is one, the line; all problems of a file are told at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from router.composition.errors import ConfigError
from router.sdl.specs import Version

_VERSION = re.compile(r"=?\s*v?2(?:\.(\d+)(?:\.\d+)?)?")
_ENV = re.compile(r"\$\{env\.([A-Za-z_]\w*)(?::-([^}]*))?\}")
_SOURCES = ("file", "sdl", "subgraph_url")


@dataclass(frozen=True, slots=True)
class SubgraphConfig:
    """A subgraph as the configuration describes it; exactly one of file, sdl and subgraph_url is set."""

    name: str
    routing_url: str
    file: Path | None = None
    sdl: str | None = None
    subgraph_url: str | None = None
    introspection_headers: dict[str, str] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration; ``federation_version`` is the latest version that subgraphs may link, if one is set."""

    path: Path
    subgraphs: tuple[SubgraphConfig, ...]
    federation_version: Version | None = None

    @property
    def files(self) -> list[Path]:
        """Return all files that the supergraph is made from."""
        return [self.path, *(it.file for it in self.subgraphs if it.file is not None)]


def read_config(path: str | Path) -> Config:
    """Read ``supergraph.yaml``; raises :class:`ConfigError` with all that is wrong with it."""
    path = Path(path)
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not a text in UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: is not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML: {error}") from None
    reader = _Reader(path)
    config = reader.read(root)
    if reader.problems:
        raise ConfigError("\n".join(reader.problems))
    return config


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []

    def place(self, node: yaml.Node | None) -> str:
        return f"{self.path}:{node.start_mark.line + 1}" if node is not None else str(self.path)

    def problem(self, node: yaml.Node | None, message: str) -> None:
        self.problems.append(f"{self.place(node)}: {message}")

    def read(self, root: yaml.Node | None) -> Config:
        entries = dict(self.entries(root, "the file"))
        self.refuse_unknown(entries, {"federation_version", "subgraphs"}, "the file")
        version = self.version(entries.get("federation_version"))
        subgraphs: list[SubgraphConfig] = []
        listed = entries.get("subgraphs")
        if listed is None:
            self.problem(root, "has no subgraphs")
        else:
            subgraphs = [self.subgraph(name, node) for name, node in self.entries(listed, "subgraphs")]
            if not subgraphs:
                self.problem(listed, "subgraphs: at least one is needed")
        return Config(self.path, tuple(subgraphs), version)

    def entries(self, node: yaml.Node | None, what: str) -> Iterator[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            if node is None or not (isinstance(node, yaml.ScalarNode) and not node.value):
                self.problem(node, f"{what}: a mapping is expected")
            return
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                self.problem(key, f'{what}: "{key.value}" is there twice')
            seen.add(key.value)
            yield key.value, value

    def refuse_unknown(self, entries: dict[str, yaml.Node], known: set[str], what: str) -> None:
        for name in entries.keys() - known:
            self.problem(entries[name], f'{what}: "{name}" is not known here')

    def text(self, node: yaml.Node | None, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self.problem(node, f"{what}: a text is expected")
            return ""

        def expand(match: re.Match[str]) -> str:
            value = os.environ.get(match[1], match[2])
            if value is None:
                self.problem(node, f"{what}: the environment has no {match[1]}")
            return value or ""

        return _ENV.sub(expand, node.value)

    def version(self, node: yaml.Node | None) -> Version | None:
        if node is None:
            return None
        text = self.text(node, "federation_version")
        match = _VERSION.fullmatch(text)
        if match is None:
            self.problem(node, f'federation_version: "{text}" is not one of "2" or "=2.x.y"')
            return None
        return (2, int(match[1])) if match[1] else None

    def subgraph(self, name: str, node: yaml.Node) -> SubgraphConfig:
        what = f"subgraphs.{name}"
        entries = dict(self.entries(node, what))
        self.refuse_unknown(entries, {"routing_url", "schema"}, what)
        schema = dict(self.entries(entries.get("schema") or node, f"{what}.schema")) if "schema" in entries else {}
        self.refuse_unknown(schema, {*_SOURCES, "introspection_headers"}, f"{what}.schema")
        given = [it for it in _SOURCES if it in schema]
        if len(given) != 1:
            self.problem(entries.get("schema", node), f"{what}.schema: one of file, sdl and subgraph_url is needed")
        texts = {it: self.text(schema[it], f"{what}.schema.{it}") for it in given}
        url = self.text(entries["routing_url"], f"{what}.routing_url") if "routing_url" in entries else ""
        url = url or texts.get("subgraph_url", "")
        if not url:
            self.problem(node, f"{what}: routing_url is missing")
        headers = (
            {
                header: self.text(value, f"{what}.schema.introspection_headers.{header}")
                for header, value in self.entries(
                    schema["introspection_headers"], f"{what}.schema.introspection_headers"
                )
            }
            if "introspection_headers" in schema
            else {}
        )
        return SubgraphConfig(
            name=name,
            routing_url=url,
            file=self.path.parent / texts["file"] if "file" in texts else None,
            sdl=texts.get("sdl"),
            subgraph_url=texts.get("subgraph_url"),
            introspection_headers=headers,
            place=self.place(node),
        )
