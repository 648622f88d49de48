"""Which directives of the subgraphs live on in the supergraph, and under which specification.

Some directives of federation do by themselves (``@tag``, ``@inaccessible``, access control, ``@cost``, ...);
directives of other features do where ``@composeDirective`` names them
(:mod:`router.composition.merging.compose_directive`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from router.composition.reporting import Report, listed, subgraphs
from router.composition.subgraph import SubgraphSchema
from router.sdl.links import Feature, localized
from router.sdl.model import DirectiveDef, Element
from router.sdl.specs import (
    AUTHENTICATED,
    CACHE_TAG,
    CONTEXT,
    COST,
    INACCESSIBLE,
    POLICY,
    REQUIRES_SCOPES,
    TAG,
    SpecUrl,
    Version,
    built_in_directives,
    find_spec_or_empty,
)
from router.sdl.values import Value

Strategy = Callable[[list[Value]], Value]


@dataclass(frozen=True, slots=True)
class Target:
    """The specification that a directive belongs to in the supergraph."""

    identity: str
    version: Version
    purpose: str | None = None


TARGETS: dict[str, Target] = {
    "tag": Target(TAG, (0, 3)),
    "inaccessible": Target(INACCESSIBLE, (0, 2), "SECURITY"),
    "authenticated": Target(AUTHENTICATED, (0, 1), "SECURITY"),
    "requiresScopes": Target(REQUIRES_SCOPES, (0, 1), "SECURITY"),
    "policy": Target(POLICY, (0, 1), "SECURITY"),
    "context": Target(CONTEXT, (0, 1), "SECURITY"),
    "cost": Target(COST, (0, 1)),
    "listSize": Target(COST, (0, 1)),
    "cacheTag": Target(CACHE_TAG, (0, 1), "EXECUTION"),
}
ACCESS_CONTROL = ("authenticated", "requiresScopes", "policy")


@dataclass(slots=True)
class ComposedDirectives:
    """The directives that are merged: those of federation by their own name, others by subgraph."""

    local_names: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, DirectiveDef] = field(default_factory=dict)
    features: list[tuple[Target, Feature]] = field(default_factory=list)
    custom: dict[int, set[str]] = field(default_factory=dict)
    custom_features: list[Feature] = field(default_factory=list)
    custom_definitions: dict[str, DirectiveDef] = field(default_factory=dict)

    def federation_name(self, local: str) -> str | None:
        """Return the name in federation of a directive of the supergraph."""
        return next((name for name, it in self.local_names.items() if it == local), None)

    def are_merged(self, index: int, name: str) -> bool:
        """Tell whether applications of a directive in a subgraph appear in the supergraph."""
        if name in self.custom.get(index, ()) or name in built_in_directives():
            return True
        return name in self.definitions and name != self.local_names.get("cacheTag")

    def definition(self, name: str) -> DirectiveDef | None:
        """Return the definition that a directive has in the supergraph."""
        return self.definitions.get(name) or self.custom_definitions.get(name) or built_in_directives().get(name)

    def is_applied(self, element: Element, name: str) -> bool:
        """Tell whether a directive of federation is applied to an element of the supergraph."""
        return name in self.local_names and element.has(self.local_names[name])


def find_federation_directives(schemas: list[SubgraphSchema], report: Report) -> ComposedDirectives:
    """Find the directives of federation that some subgraph applies; they must have one name everywhere."""
    found = ComposedDirectives()
    for name, target in TARGETS.items():
        users: dict[str, list[str]] = {}
        for it in schemas:
            if _applies(it, it.names[name]):
                users.setdefault(it.names[name], []).append(it.name)
        if len(users) > 1:
            said = listed([f'"@{local}" in {subgraphs(names)}' for local, names in users.items()])
            message = f'The "@{name}" directive is imported under different names: it is {said}.'
            report.error("LINK_IMPORT_NAME_MISMATCH", message, [(it, _link_at(it)) for it in schemas])
        elif users:
            found.local_names[name] = next(iter(users))
            _add_feature(found, name, target)
    for target, feature in found.features:
        spec = find_spec_or_empty(target.identity, target.version)
        local = localized(spec, feature)
        found.definitions |= {it: local[it] for it in found.local_names.values() if it in local}
        if target.identity == CACHE_TAG:
            found.definitions[found.local_names["cacheTag"]] = DirectiveDef(name="cacheTag", repeatable=True)
    return found


def _add_feature(found: ComposedDirectives, name: str, target: Target) -> None:
    known = next((feature for it, feature in found.features if it.identity == target.identity), None)
    if known is None:
        spec_name = target.identity.rpartition("/")[2]
        known = Feature(SpecUrl(target.identity, spec_name, target.version), spec_name)
        found.features.append((target, known))
    local = found.local_names[name]
    if known.directive_name(name) != local and target.identity != CACHE_TAG:
        known.imports["@" + name] = "@" + local


def _link_at(schema: SubgraphSchema) -> int:
    return next((it.at for it in schema.schema.root.directives if it.name == "link"), -1)


def _applies(schema: SubgraphSchema, local: str) -> bool:
    return local in schema.applied_names
