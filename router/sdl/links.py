"""What a schema links to, and what it calls the elements it links.

``@link(url: ".../federation/v2.3", import: ["@key", {name: "@tag", as: "@label"}])`` makes ``@key``, ``@label`` and
``@federation__requires`` names of federation's directives in that schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from router.sdl.model import Directive, DirectiveDef, Schema
from router.sdl.specs import (
    FEDERATION,
    LINK,
    Spec,
    SpecUrl,
    SpecUrlError,
    find_spec,
    parse_spec_url,
)
from router.sdl.type_refs import named
from router.sdl.values import print_value

_NAME = re.compile(r"@?[_A-Za-z][_0-9A-Za-z]*")
_ALIAS = re.compile(r"[_A-Za-z][-._0-9A-Za-z]*")


@dataclass(frozen=True, slots=True)
class LinkProblem:
    """A link that is not as it should be; ``code`` is the error code of composition."""

    code: str
    message: str
    at: int


@dataclass(frozen=True, slots=True)
class Feature:
    """A specification as one schema links it."""

    url: SpecUrl
    alias: str
    imports: dict[str, str] = field(default_factory=dict)
    at: int = -1

    def directive_name(self, name: str) -> str:
        """Return what the schema calls a directive of the specification."""
        imported = self.imports.get("@" + name)
        if imported:
            return imported[1:]
        return self.alias if name == self.url.name else f"{self.alias}__{name}"

    def type_name(self, name: str) -> str:
        """Return what the schema calls a type of the specification."""
        return self.imports.get(name) or f"{self.alias}__{name}"


@dataclass(slots=True)
class Links:
    """All that a schema links to, by identity."""

    features: dict[str, Feature] = field(default_factory=dict)
    problems: list[LinkProblem] = field(default_factory=list)

    def source_of(self, directive: str) -> tuple[Feature, str | None] | None:
        """Return the feature of a directive and its name there, which is none if it was imported under another."""
        for feature in self.features.values():
            for name, local in feature.imports.items():
                if local == "@" + directive:
                    return feature, name[1:]
        for feature in self.features.values():
            if directive == feature.alias:
                name = feature.url.name
            elif directive.startswith(feature.alias + "__"):
                name = directive[len(feature.alias) + 2 :]
            else:
                continue
            return feature, None if feature.directive_name(name) != directive else name
        return None

    def is_linked_type(self, name: str, identities: frozenset[str]) -> bool:
        """Tell whether a type belongs to one of some specifications."""
        return any(
            name.startswith(feature.alias + "__") or name in feature.imports.values()
            for identity, feature in self.features.items()
            if identity in identities
        )


def find_links(schema: Schema) -> Links:
    """Read the ``@link`` directives of a schema."""
    links = Links()
    name = _link_name(schema)
    if name is None:
        return links
    for directive in schema.root.directives:
        if directive.name == name:
            _read_link(directive, links)
    links.features.setdefault(LINK, Feature(SpecUrl(LINK, "link", (1, 0)), name))
    return links


def _link_name(schema: Schema) -> str | None:
    """Return what the schema calls ``@link``: what it says itself, or ``link`` where that links federation."""
    for directive in schema.root.directives:
        url = directive.args.get("url")
        if isinstance(url, str) and url.startswith(LINK + "/") and directive.name == directive.args.get("as", "link"):
            return directive.name
    for directive in schema.root.directives:
        url = directive.args.get("url")
        if directive.name == "link" and isinstance(url, str) and url.startswith(FEDERATION):
            return "link"
    return None


def _read_link(directive: Directive, links: Links) -> None:
    def problem(code: str, message: str) -> None:
        links.problems.append(LinkProblem(code, message, directive.at))

    text = directive.args.get("url")
    if not isinstance(text, str):
        problem("INVALID_LINK_IDENTIFIER", f"@link needs the url of a specification, got {print_value(text)}.")
        return
    try:
        url = parse_spec_url(text)
    except SpecUrlError as error:
        problem("INVALID_LINK_IDENTIFIER", f"{error}.")
        return
    spec = find_spec(url.identity, url.version)
    if url.identity == LINK and url.version != (1, 0):
        problem(
            "UNKNOWN_LINK_VERSION", f"Schema uses unknown version v{url.version[0]}.{url.version[1]} of the link spec."
        )
    if url.identity == FEDERATION and spec is None:
        version = f"v{url.version[0]}.{url.version[1]}"
        problem("UNKNOWN_FEDERATION_LINK_VERSION", f"Invalid version {version} for the federation feature in @link.")
    imports = _Imports(directive, spec).read()
    for message in imports.problems:
        problem("INVALID_LINK_DIRECTIVE_USAGE", message)
    alias = directive.args.get("as") or url.name
    feature = Feature(url, alias, imports.found, directive.at)
    for message in _conflicts(feature, links):
        problem("INVALID_LINK_DIRECTIVE_USAGE", message)
    links.features.setdefault(url.identity, feature)


def _conflicts(feature: Feature, links: Links) -> list[str]:
    identity, alias = feature.url.identity, feature.alias
    found: list[str] = []
    if identity in links.features:
        found.append(f'Cannot link feature "{identity}": it has already been linked in the schema.')
    if "__" in alias or alias.endswith("_") or not _ALIAS.fullmatch(alias):
        found.append(f'Cannot link feature "{identity}" as "{alias}": that name would be taken for a namespaced one.')
    for other in links.features.values():
        if other.alias == alias and other.url.identity != identity:
            found.append(f'Cannot link features "{other.url.identity}" and "{identity}" under one name, "{alias}".')
        shared = [it for it in feature.imports.values() if it in other.imports.values()]
        if other.url.identity != identity:
            found += [f'"{name}" is imported from both "{other.url.identity}" and "{identity}".' for name in shared]
    return found


class _Imports:
    """Reads the value of ``@link(import:)``."""

    def __init__(self, directive: Directive, spec: Spec | None) -> None:
        self.value = directive.args.get("import")
        self.spec = spec
        self.found: dict[str, str] = {}
        self.problems: list[str] = []

    def read(self) -> _Imports:
        """Fill ``found`` and ``problems``."""
        for item in self.value if isinstance(self.value, list) else []:
            if isinstance(item, str):
                self.add(item, item)
            elif isinstance(item, dict):
                self.add_renamed(item)
            else:
                self.problems.append(
                    f"Invalid sub-value {print_value(item)} for @link(import:): "
                    'expected a string or an object { name: "<element>", as: "<alias>" }.'
                )
        return self

    def add_renamed(self, item: dict[str, object]) -> None:
        name, alias = item.get("name"), item.get("as")
        shown = print_value(item)
        unknown = item.keys() - {"name", "as"}
        if unknown:
            self.problems.append(f'Unknown field "{min(unknown)}" for sub-value {shown} of @link(import:).')
        elif not isinstance(name, str) or not _NAME.fullmatch(name):
            self.problems.append(f'Invalid sub-value {shown} of @link(import:): "name" must be the name of an element.')
        elif alias is not None and (not isinstance(alias, str) or not _NAME.fullmatch(alias)):
            self.problems.append(f'Invalid sub-value {shown} of @link(import:): "as" must be a name.')
        elif isinstance(alias, str) and name.startswith("@") != alias.startswith("@"):
            self.problems.append(
                f'Invalid @link import renaming of "{name}" to "{alias}": only directives start with "@".'
            )
        else:
            self.add(name, alias if isinstance(alias, str) else name)

    def add(self, name: str, alias: str) -> None:
        if self.spec is not None and name not in self.spec.importable:
            suggestion = f' Did you mean directive "@{name}"?' if "@" + name in self.spec.importable else ""
            self.problems.append(f'Cannot import unknown element "{name}".{suggestion}')
        self.found[name] = alias


def localized(spec: Spec, feature: Feature) -> dict[str, DirectiveDef]:
    """Return the directives of a specification under the names a schema has for them."""
    found: dict[str, DirectiveDef] = {}
    for name, definition in spec.directives.items():
        local = feature.directive_name(name)
        found[local] = renamed_definition(definition, local, {it: feature.type_name(it) for it in spec.types})
    return found


def renamed_definition(definition: DirectiveDef, name: str, types: dict[str, str]) -> DirectiveDef:
    """Return a definition under another name, with some types renamed."""
    args = {}
    for arg in definition.args.values():
        base = named(arg.type)
        renamed = arg.type.replace(base, types.get(base, base))
        args[arg.name] = type(arg)(name=arg.name, type=renamed, default=arg.default)
    return DirectiveDef(name=name, args=args, locations=definition.locations, repeatable=definition.repeatable)
