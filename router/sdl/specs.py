"""The specifications that schemas link to: their versions, directives and types, written as definitions.

A definition is text in the schema language with the names of its specification; :mod:`router.sdl.links` renames it to
what a schema calls it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from router.sdl.model import DirectiveDef
from router.sdl.reader import read_schema

APOLLO = "https://specs.apollo.dev/"
FEDERATION, LINK, JOIN, CORE = APOLLO + "federation", APOLLO + "link", APOLLO + "join", APOLLO + "core"
TAG, INACCESSIBLE, AUTHENTICATED = APOLLO + "tag", APOLLO + "inaccessible", APOLLO + "authenticated"
REQUIRES_SCOPES, POLICY, CONTEXT = APOLLO + "requiresScopes", APOLLO + "policy", APOLLO + "context"
COST, CACHE_TAG, CONNECT, SOURCE = APOLLO + "cost", APOLLO + "cacheTag", APOLLO + "connect", APOLLO + "source"

Version = tuple[int, int]
FEDERATION_VERSIONS: tuple[Version, ...] = tuple((2, minor) for minor in range(15))
UPGRADED_VERSION: Version = (2, 4)
"""The version that a federation 1 subgraph is read as."""

_VERSION = re.compile(r"v(\d+)\.(\d+)")


class SpecUrlError(ValueError):
    """A text is not the url of a version of a specification."""


@dataclass(frozen=True, slots=True)
class SpecUrl:
    """The url of a version of a specification, in its parts."""

    identity: str
    name: str
    version: Version

    def __str__(self) -> str:
        return f"{self.identity}/v{self.version[0]}.{self.version[1]}"


def parse_spec_url(text: str) -> SpecUrl:
    """Split ``https://specs.apollo.dev/federation/v2.3`` into its identity, name and version."""
    scheme, separator, rest = text.partition("://")
    parts = rest.rstrip("/").split("/")
    if not separator or not scheme or not parts[0]:
        msg = f'Invalid "{text}": it is not an absolute url'
        raise SpecUrlError(msg)
    if len(parts) < 2:
        msg = f'Missing path in feature url "{text}"'
        raise SpecUrlError(msg)
    version = _VERSION.fullmatch(parts[-1])
    if version is None:
        msg = f'Expected a version string (of the form v1.2) at the end of "{text}", got "{parts[-1]}"'
        raise SpecUrlError(msg)
    if len(parts) < 3:
        msg = f'Missing feature name component in feature url "{text}"'
        raise SpecUrlError(msg)
    return SpecUrl(f"{scheme}://{'/'.join(parts[:-1])}", parts[-2], (int(version[1]), int(version[2])))


def version_text(version: Version) -> str:
    """Print a version."""
    return f"v{version[0]}.{version[1]}"


@dataclass(frozen=True, slots=True)
class Spec:
    """What a version of a specification defines: directives by name, and names of its scalars."""

    directives: dict[str, DirectiveDef] = field(default_factory=dict)
    types: frozenset[str] = frozenset()

    @property
    def importable(self) -> frozenset[str]:
        """Return the names that ``@link(import:)`` may mention."""
        return self.types | {"@" + name for name in self.directives}


_TAG_LOCATIONS = "FIELD_DEFINITION | OBJECT | INTERFACE | UNION"
_ALL_LOCATIONS = (
    _TAG_LOCATIONS + " | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION"
)
_AUTH_LOCATIONS = "FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM"
_COST_LOCATIONS = "ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR"
_LIST_SIZE_ARGUMENTS = (
    "assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true"
)

_SINCE: tuple[tuple[Version, str], ...] = (
    ((2, 0), "scalar FieldSet"),
    ((2, 0), "directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE"),
    ((2, 0), "directive @requires(fields: FieldSet!) on FIELD_DEFINITION"),
    ((2, 0), "directive @provides(fields: FieldSet!) on FIELD_DEFINITION"),
    ((2, 0), "directive @external(reason: String) on OBJECT | FIELD_DEFINITION"),
    ((2, 0), f"directive @tag(name: String!) repeatable on {_ALL_LOCATIONS}"),
    ((2, 0), "directive @extends on OBJECT | INTERFACE"),
    ((2, 0), "directive @shareable on OBJECT | FIELD_DEFINITION"),
    ((2, 0), f"directive @inaccessible on {_ALL_LOCATIONS}"),
    ((2, 0), "directive @override(from: String!) on FIELD_DEFINITION"),
    ((2, 1), "directive @composeDirective(name: String) repeatable on SCHEMA"),
    ((2, 2), "directive @shareable repeatable on OBJECT | FIELD_DEFINITION"),
    ((2, 3), "directive @interfaceObject on OBJECT"),
    ((2, 3), f"directive @tag(name: String!) repeatable on {_ALL_LOCATIONS} | SCHEMA"),
    ((2, 5), f"directive @authenticated on {_AUTH_LOCATIONS}"),
    ((2, 5), f"scalar Scope directive @requiresScopes(scopes: [[Scope!]!]!) on {_AUTH_LOCATIONS}"),
    ((2, 6), f"scalar Policy directive @policy(policies: [[Policy!]!]!) on {_AUTH_LOCATIONS}"),
    ((2, 7), "directive @override(from: String!, label: String) on FIELD_DEFINITION"),
    ((2, 8), "scalar ContextFieldValue directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION"),
    ((2, 8), "directive @fromContext(field: ContextFieldValue) on ARGUMENT_DEFINITION"),
    ((2, 9), f"directive @cost(weight: Int!) on {_COST_LOCATIONS}"),
    ((2, 9), f"directive @listSize({_LIST_SIZE_ARGUMENTS}) on FIELD_DEFINITION"),
    ((2, 12), "directive @cacheTag(format: String!) repeatable on OBJECT | FIELD_DEFINITION"),
)
_FEDERATION_1 = frozenset({"key", "requires", "provides", "external", "tag", "extends"})
_STANDALONE: dict[tuple[str, Version], tuple[str, ...]] = {
    (TAG, (0, 1)): (f"directive @tag(name: String!) repeatable on {_TAG_LOCATIONS}",),
    (TAG, (0, 2)): (f"directive @tag(name: String!) repeatable on {_ALL_LOCATIONS}",),
    (TAG, (0, 3)): (f"directive @tag(name: String!) repeatable on {_ALL_LOCATIONS} | SCHEMA",),
    (INACCESSIBLE, (0, 1)): (f"directive @inaccessible on {_TAG_LOCATIONS}",),
    (INACCESSIBLE, (0, 2)): (f"directive @inaccessible on {_ALL_LOCATIONS}",),
}
_EXTRACTED: dict[str, tuple[str, ...]] = {
    AUTHENTICATED: ("@authenticated",),
    REQUIRES_SCOPES: ("@requiresScopes", "Scope"),
    POLICY: ("@policy", "Policy"),
    CONTEXT: ("@context", "@fromContext", "ContextFieldValue"),
    COST: ("@cost", "@listSize"),
}


@lru_cache(maxsize=64)
def find_spec(identity: str, version: Version) -> Spec | None:
    """Return what a known version of a specification defines, or nothing if it is not known."""
    if identity == FEDERATION:
        if version not in FEDERATION_VERSIONS:
            return None
        return _spec(*(text for since, text in _SINCE if since <= version))
    if identity in _EXTRACTED and version == (0, 1):
        return _pick(find_spec_or_empty(FEDERATION, FEDERATION_VERSIONS[-1]), _EXTRACTED[identity])
    texts = _STANDALONE.get((identity, version))
    return _spec(*texts) if texts else None


def find_spec_or_empty(identity: str, version: Version) -> Spec:
    """Return what a version defines, which is nothing for an unknown one."""
    return find_spec(identity, version) or Spec()


@lru_cache(maxsize=1)
def federation_1() -> Spec:
    """Return the directives that a schema without any link has."""
    latest = find_spec_or_empty(FEDERATION, (2, 0))
    return Spec({name: it for name, it in latest.directives.items() if name in _FEDERATION_1}, latest.types)


def _pick(spec: Spec, names: tuple[str, ...]) -> Spec:
    directives = {name[1:]: spec.directives[name[1:]] for name in names if name.startswith("@")}
    return Spec(directives, spec.types & set(names))


def _spec(*texts: str) -> Spec:
    directives: dict[str, DirectiveDef] = {}
    types: set[str] = set()
    for text in texts:
        schema = read_schema(text).schema
        directives |= schema.directives
        types |= schema.types.keys()
    return Spec(directives, frozenset(types))


@lru_cache(maxsize=1)
def built_in_directives() -> dict[str, DirectiveDef]:
    """Return the directives that every schema has."""
    return _spec(
        "directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT",
        "directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT",
        'directive @deprecated(reason: String = "No longer supported") on '
        "FIELD_DEFINITION | ENUM_VALUE | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION",
        "directive @specifiedBy(url: String!) on SCALAR",
    ).directives
