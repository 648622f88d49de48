"""``@composeDirective`` carries directives of a team's own features into the supergraph.

Code: ``DIRECTIVE_COMPOSITION_ERROR``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from router.composition.merging.composed_directives import ComposedDirectives
from router.composition.reporting import Report, Site, listed, subgraphs
from router.composition.subgraph import SubgraphSchema
from router.sdl.links import Feature
from router.sdl.model import Directive, DirectiveDef, InputValue
from router.sdl.specs import (
    AUTHENTICATED,
    CONTEXT,
    CORE,
    COST,
    FEDERATION,
    INACCESSIBLE,
    JOIN,
    LINK,
    REQUIRES_SCOPES,
    SOURCE,
    TAG,
)
from router.sdl.values import Value

_NOT_COMPOSED = frozenset(
    {CORE, JOIN, LINK, TAG, INACCESSIBLE, FEDERATION, AUTHENTICATED, REQUIRES_SCOPES, SOURCE, CONTEXT, COST}
)
_COMPOSED_ANYHOW = ("tag", "inaccessible", "authenticated", "requiresScopes", "policy", "context")
CODE = "DIRECTIVE_COMPOSITION_ERROR"


@dataclass(frozen=True, slots=True)
class _Item:
    """A directive that a subgraph composes."""

    index: int
    local: str
    name: str
    feature: Feature
    site: Site


def compose_custom_directives(schemas: list[SubgraphSchema], found: ComposedDirectives, report: Report) -> None:
    """Find the directives that subgraphs compose and add those that agree."""
    composer = _Composer(schemas, found, report)
    items = [item for index in range(len(schemas)) for item in composer.items_of(index)]
    composer.check_names(items)
    for identity in dict.fromkeys(it.feature.url.identity for it in items):
        composer.add_feature(identity, [it for it in items if it.feature.url.identity == identity])
    composer.hint_unrelated(items)


class _Composer:
    def __init__(self, schemas: list[SubgraphSchema], found: ComposedDirectives, report: Report) -> None:
        self.schemas = schemas
        self.found = found
        self.report = report
        self.refused: set[str] = set()

    def items_of(self, index: int) -> Iterator[_Item]:
        schema = self.schemas[index]
        for directive in schema.applied(schema.schema.root, "composeDirective"):
            item = self.item(index, directive)
            if item is not None:
                yield item

    def item(self, index: int, directive: Directive) -> _Item | None:
        """Return what a ``@composeDirective`` composes, or report why it cannot."""
        schema = self.schemas[index]
        site = (schema, directive.at)
        name = directive.args.get("name")
        local = name[1:] if isinstance(name, str) else ""
        feature, own_name = schema.links.source_of(local) or (None, None)
        refusal = self.wrong_name(schema, name) or self.wrong_feature(schema, local, feature, own_name)
        if refusal is not None:
            self.report.error(CODE, f"[{schema.name}] {refusal}", [site])
        elif feature is None or own_name is None or feature.url.identity in _NOT_COMPOSED:
            message = f'[{schema.name}] "{name}" need not be composed by hand: federation does it.'
            self.report.hint("DIRECTIVE_COMPOSITION_INFO", message, [site])
        else:
            return _Item(index, local, own_name, feature, site)
        return None

    def wrong_name(self, schema: SubgraphSchema, name: Value) -> str | None:
        if not isinstance(name, str) or not name:
            return "The argument of @composeDirective cannot be null or empty."
        if not name.startswith("@"):
            return f'The argument of @composeDirective must start with "@": "{name}".'
        if name[1:] not in schema.definitions:
            return f'@composeDirective names "{name}", for which there is no directive definition.'
        return None

    def wrong_feature(
        self, schema: SubgraphSchema, local: str, feature: Feature | None, own_name: str | None
    ) -> str | None:
        if feature is None:
            return f'"@{local}" cannot be composed because it does not belong to a feature that is linked.'
        if own_name is None:
            return f'"@{local}" cannot be composed because it is imported under a different name.'
        if feature.url.identity in _NOT_COMPOSED:
            is_composed_anyhow = local in {schema.names[it] for it in _COMPOSED_ANYHOW}
            return None if is_composed_anyhow else f'Composing the federation directive "@{local}" is not supported.'
        taken = next(
            (it for it in ("tag", "inaccessible") if any(its.names[it] == local for its in self.schemas)), None
        )
        return f'"@{local}" cannot be composed because some subgraph calls @{taken} so.' if taken else None

    def check_names(self, items: list[_Item]) -> None:
        for local in dict.fromkeys(it.local for it in items):
            same = [it for it in items if it.local == local]
            if len({it.name for it in same}) > 1:
                self.refuse(same, f'"@{local}" is not the same directive in every subgraph.')
            if len({it.feature.url.identity for it in same}) > 1:
                self.refuse(same, f'"@{local}" is not linked from the same feature in every subgraph.')
        for name in dict.fromkeys(it.name for it in items):
            same = [it for it in items if it.name == name]
            if len({it.local for it in same}) > 1:
                said = listed([f'"@{it.local}" in {subgraphs([self.schemas[it.index].name])}' for it in same])
                self.refuse(same, f"Composed directive is not named alike in all subgraphs: it is {said}.")

    def refuse(self, items: list[_Item], message: str) -> None:
        self.report.error(CODE, message, [it.site for it in items])
        self.refused |= {it.local for it in items}

    def add_feature(self, identity: str, items: list[_Item]) -> None:
        latest = max(items, key=lambda it: it.feature.url.version).feature
        if len({it.feature.url.version[0] for it in items}) > 1:
            message = f'Feature "{identity}" is composed in different major versions.'
            self.report.error(CODE, message, [it.site for it in items])
            return
        self.hint_other_majors(identity, items)
        imports = {"@" + it.name: "@" + it.local for it in items}
        self.found.custom_features.append(Feature(latest.url, latest.url.name, imports))
        for it in items:
            definition = self.definition(it, latest)
            if definition is None:
                message = f'Feature "{latest.url}" has no definition of "@{it.local}" where its version is latest.'
                self.report.error(CODE, message, [it.site])
            elif it.local not in self.refused:
                self.found.custom.setdefault(it.index, set()).add(it.local)
                self.found.custom_definitions[it.local] = definition

    def definition(self, item: _Item, latest: Feature) -> DirectiveDef | None:
        """Return the definition of a directive in a subgraph that links the latest version."""
        for schema in reversed(self.schemas):
            feature = schema.links.features.get(latest.url.identity)
            if feature is None or feature.url.version != latest.url.version:
                continue
            found = schema.definitions.get(feature.directive_name(item.name))
            if found is not None:
                return _copied(found, item.local, set(self.found.definitions))
        return None

    def hint_other_majors(self, identity: str, items: list[_Item]) -> None:
        majors = {it.links.features[identity].url.version[0] for it in self.schemas if identity in it.links.features}
        if len(majors) > 1:
            message = f'Feature "{identity}" is linked in another major version where it is not composed.'
            self.report.hint("DIRECTIVE_COMPOSITION_INFO", message, [it.site for it in items])

    def hint_unrelated(self, items: list[_Item]) -> None:
        """Hint at subgraphs that link a composed directive under another name without composing it."""
        for item in {it.local: it for it in items}.values():
            exporting = {it.index for it in items if it.local == item.local}
            for index, schema in enumerate(self.schemas):
                feature = schema.links.features.get(item.feature.url.identity)
                local = feature.imports.get("@" + item.name) if feature else None
                if index not in exporting and local not in (None, "@" + item.local):
                    message = f'"@{item.local}" is composed, but subgraph "{schema.name}" calls it "{local}".'
                    self.report.hint("DIRECTIVE_COMPOSITION_WARN", message, [item.site])


def _copied(definition: DirectiveDef, name: str, merged: set[str]) -> DirectiveDef:
    """Copy a definition, with those of the directives on its arguments that are merged."""
    args = {
        it.name: InputValue(
            it.name,
            it.description,
            [applied for applied in it.directives if applied.name in merged],
            type=it.type,
            default=it.default,
        )
        for it in definition.args.values()
    }
    return DirectiveDef(
        name=name,
        description=definition.description,
        args=args,
        locations=definition.locations,
        repeatable=definition.repeatable,
    )
