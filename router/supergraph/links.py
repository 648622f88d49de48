"""The specifications a supergraph links, and the names under which it uses their directives.

`@link` (and `@core`, its forerunner) may rename a specification with `as` and single elements with `import`, so nothing
here relies on the usual spelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    ListValueNode,
    ObjectValueNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    ValueNode,
)
from graphql.language import EnumValueNode

from router.supergraph.errors import UnsupportedSpecError

_URL = re.compile(r"^(?P<identity>.*/(?P<name>[^/]+))/v(?P<major>\d+)\.(?P<minor>\d+)/?$")
_KNOWN = frozenset(
    {"link", "core", "join", "inaccessible", "tag", "context", "authenticated", "requiresScopes", "policy"}
    | {"cost", "cacheTag", "federation"}
)
_INTERNAL = frozenset({"join", "link", "core"})


@dataclass(frozen=True, slots=True)
class Link:
    """One linked specification."""

    name: str
    version: tuple[int, int]
    prefix: str
    purpose: str | None = None
    imports: Mapping[str, str] = field(default_factory=dict)

    def directive(self, name: str) -> str:
        """Return the name under which the document uses a directive of the specification."""
        if local := self.imports.get(f"@{name}"):
            return local[1:]
        return self.prefix if name == self.name else f"{self.prefix}__{name}"

    def owns(self, local: str) -> bool:
        """Whether a directive or type of the document, by its local name, belongs to the specification."""
        if local == self.prefix or local.startswith(f"{self.prefix}__"):
            return True
        return local in self.imports.values() or f"@{local}" in self.imports.values()


@dataclass(frozen=True, slots=True)
class Links:
    """All linked specifications of a document."""

    by_name: Mapping[str, Link]

    def directive(self, spec: str, name: str | None = None) -> str:
        """Return the local name of a directive, also for a specification that is not linked."""
        link = self.by_name.get(spec)
        wanted = spec if name is None else name
        if link is not None:
            return link.directive(wanted)
        return wanted if name is None else f"{spec}__{name}"

    def owns(self, local: str) -> bool:
        """Whether a local name belongs to any linked specification, or to one that need not be linked."""
        return local.partition("__")[0] in _INTERNAL or any(link.owns(local) for link in self.by_name.values())


def read_links(document: DocumentNode) -> Links:
    """Read the links of a document.

    Raises:
        UnsupportedSpecError: A specification for execution or security is not known here.
    """
    links = {link.name: link for link in _links(document)}
    for link in links.values():
        if link.purpose in {"EXECUTION", "SECURITY"} and link.name not in _KNOWN:
            raise UnsupportedSpecError(f'the supergraph needs the specification "{link.name}", which is not known')
    return Links(links)


def arguments(directive: ConstDirectiveNode) -> dict[str, ValueNode]:
    """Return the arguments of a directive by name."""
    return {argument.name.value: argument.value for argument in directive.arguments or ()}


def text(value: ValueNode | None) -> str | None:
    """Return the text of a string or enum value."""
    return value.value if isinstance(value, StringValueNode | EnumValueNode) else None


def _links(document: DocumentNode) -> Iterator[Link]:
    for definition in document.definitions:
        if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode):
            for directive in definition.directives or ():
                given = arguments(directive)
                url = text(given.get("url")) or text(given.get("feature"))
                if url is not None and (match := _URL.match(url)):
                    yield _link(match, given)


def _link(match: re.Match[str], given: Mapping[str, ValueNode]) -> Link:
    name = match["name"]
    return Link(
        name=name,
        version=(int(match["major"]), int(match["minor"])),
        prefix=text(given.get("as")) or name,
        purpose=text(given.get("for")),
        imports=dict(_imports(given.get("import"))),
    )


def _imports(value: ValueNode | None) -> Iterator[tuple[str, str]]:
    items: Iterable[ValueNode] = value.values if isinstance(value, ListValueNode) else ()
    for item in items:
        if name := text(item):
            yield name, name
        elif isinstance(item, ObjectValueNode):
            entries = {entry.name.value: text(entry.value) for entry in item.fields}
            if name := entries.get("name"):
                yield name, entries.get("as") or name
