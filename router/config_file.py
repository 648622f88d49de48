"""Reads `router.yaml`: the environment is filled in, and every value is checked where it stands.

All that is wrong with a file is told at once, each problem in a line with the file, the line and the key.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Final, NamedTuple, Union, get_args, get_origin

import msgspec
import yaml

from router.config import ConfigError, RouterSettings
from router.sections import Section

_PLACE: Final = re.compile(r"\$\{(env|file)\.([^}:]+)(?::-([^}]*))?\}")
_NAMELESS: Final = "the settings"


class _MissingError(Exception):
    """What a text refers to is not there."""


class _Bad(NamedTuple):
    """Stands for a value that is wrong and has been told."""


_BAD: Final = _Bad()


def expand(value: Any, environment: Mapping[str, str]) -> Any:
    """Fill `${env.NAME}`, `${env.NAME:-default}` and `${file.PATH}` in every text of a value.

    Raises:
        _MissingError: a variable is not set, or a file cannot be read, and there is no default.
    """
    if isinstance(value, dict):
        return {key: expand(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, environment) for item in value]
    if not isinstance(value, str):
        return value
    return _PLACE.sub(lambda found: _fill(found[1], found[2], found[3], environment), value)


def _fill(kind: str, name: str, default: str | None, environment: Mapping[str, str]) -> str:
    if kind == "env":
        value = environment.get(name, default)
        if value is None:
            raise _MissingError(f"the environment variable {name} is not set")
        return value
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        if default is None:
            raise _MissingError(f"the file {name} cannot be read") from error
        return default


def parse_settings(text: str, *, environment: Mapping[str, str] | None = None, name: str = _NAMELESS) -> RouterSettings:
    """Read settings from YAML text.

    Args:
        text: the YAML.
        environment: the variables; those of this process by default.
        name: what the text is called where something is wrong with it.

    Raises:
        ConfigError: the text is not YAML, or values are missing, misspelt or of the wrong kind.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{name}:{line}: this is not YAML: {error.problem}") from error
    if root is None:
        return RouterSettings()
    reader = _Reader(name, os.environ if environment is None else environment)
    settings = reader.section(root, RouterSettings, "")
    if reader.problems:
        raise ConfigError(*reader.problems)
    assert isinstance(settings, RouterSettings)  # noqa: S101 - anything else is a problem
    return settings


def load_settings(path: Path | None) -> RouterSettings:
    """Read settings from a file, or take the defaults where there is none.

    Raises:
        ConfigError: the file cannot be read, or not be understood.
    """
    if path is None:
        return RouterSettings()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"cannot read {path}: {reason}") from error
    return parse_settings(text, name=str(path))


class _Reader:
    """Turns YAML nodes, which know their lines, into settings, and collects what is wrong."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._name = name
        self._environment = environment
        self._constructor = yaml.constructor.SafeConstructor()

    def section(self, node: yaml.Node, kind: type[Section], path: str) -> Section | _Bad:
        """Read a mapping whose keys are the fields of a class."""
        known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        given: dict[str, Any] = {}
        before = len(self.problems)
        for key, name, value in self._entries(node, path):
            if name in known:
                given[name] = self._value(value, known[name].type, _join(path, name))
            else:
                self._problem(key, _join(path, name), f"is not known{_guess(name, known)}")
        for name, field in known.items():
            if field.required and name not in given:
                self._problem(node, _join(path, name), "is missing")
        if len(self.problems) > before:
            return _BAD
        try:
            return kind(**given)
        except ValueError as error:
            message = str(error)
            name = message.partition(" ")[0]
            place = next((key for key, each, _ in self._entries(node, path) if each == name), node)
            self._problem(place, path, message)
            return _BAD

    def _entries(self, node: yaml.Node, path: str) -> Iterator[tuple[yaml.Node, str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            if not (isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"):
                self._problem(node, path, "must be a mapping of names to values")
            return
        self._constructor.flatten_mapping(node)
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                self._problem(key, _join(path, name), "is there twice")
            else:
                seen.add(name)
                yield key, name, value

    def _value(self, node: yaml.Node, kind: Any, path: str) -> Any:
        inner = _section_of(kind)
        if inner is None or _is_null(node):
            return self._plain(node, kind, path)
        if get_origin(kind) is dict:
            return {name: self.section(value, inner, f"{path}.{name}") for _, name, value in self._entries(node, path)}
        if get_origin(kind) is tuple:
            return self._sections(node, inner, path)
        return self.section(node, inner, path)

    def _sections(self, node: yaml.Node, kind: type[Section], path: str) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            self._problem(node, path, "must be a list")
            return _BAD
        return tuple(self.section(each, kind, f"{path}[{index}]") for index, each in enumerate(node.value))

    def _plain(self, node: yaml.Node, kind: Any, path: str) -> Any:
        try:
            value = expand(self._constructor.construct_object(node, deep=True), self._environment)
            return msgspec.convert(value, kind, strict=False)
        except _MissingError as error:
            self._problem(node, path, str(error))
        except yaml.MarkedYAMLError as error:
            self._problem(node, path, str(error.problem))
        except msgspec.ValidationError as error:
            self._problem(node, path, _in_plain_words(error))
        return _BAD

    def _problem(self, node: yaml.Node, path: str, what: str) -> None:
        subject = f"{path}: " if path else ""
        self.problems.append(f"{self._name}:{node.start_mark.line + 1}: {subject}{what}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _guess(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean '{close[0]}'?" if close else f"; known here: {', '.join(known)}"


def _section_of(kind: Any) -> type[Section] | None:
    """Return the class of section that a type is made of, alone, optional, as a list or as a mapping."""
    for each in (kind, *get_args(kind)):
        if isinstance(each, type) and issubclass(each, Section):
            return each
        if get_origin(each) in (Union, UnionType, tuple, dict) and each is not kind and (found := _section_of(each)):
            return found
    return None


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _in_plain_words(error: msgspec.ValidationError) -> str:
    message = str(error).partition(" - at `$")[0]
    return f"{message[0].lower()}{message[1:]}"
