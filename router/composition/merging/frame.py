"""What every supergraph has around its types: its links, the join machinery, and the directives that live on."""

from __future__ import annotations

from router.composition.merging.composed_directives import Target
from router.composition.merging.context import Merge, join
from router.composition.subgraph import SubgraphSchema
from router.sdl.links import Feature, localized
from router.sdl.model import Directive, Element, Kind, Schema, TypeDef
from router.sdl.reader import read_schema
from router.sdl.specs import AUTHENTICATED, COST, JOIN, LINK, Version, find_spec_or_empty, version_text
from router.sdl.values import EnumName, Value

_LINK_DEFINITIONS = """
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA

enum link__Purpose {
  "`SECURITY` features provide metadata necessary to securely resolve fields."
  SECURITY
  "`EXECUTION` features provide metadata necessary for operation execution."
  EXECUTION
}

scalar link__Import
"""
_JOIN_DEFINITIONS = """
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(
  graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true,
  isInterfaceObject: Boolean! = false
) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(
  graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean,
  override: String, usedOverridden: Boolean%s
) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE

scalar join__FieldSet
"""
_JOIN_0_4 = """
directive @join__directive(
  graphs: [join__Graph!], name: String!, args: join__DirectiveArguments
) repeatable on SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION

scalar join__DirectiveArguments
"""
_JOIN_0_5 = """
input join__ContextArgument {
  name: String!
  type: String!
  context: String!
  selection: join__FieldValue!
}

scalar join__FieldValue
"""
_IMPLIED_VERSIONS: dict[str, Version] = {AUTHENTICATED: (2, 5), COST: (2, 9)}
"""The versions of federation that features bring with them where they are linked by themselves."""


def federation_version(subgraph: SubgraphSchema) -> tuple[Version, Version]:
    """Return the version of federation that a subgraph links, and the one it needs."""
    linked = subgraph.version or (2, 0)
    implied = [_IMPLIED_VERSIONS[it] for it in subgraph.links.features if it in _IMPLIED_VERSIONS]
    return linked, max([linked, *implied])


def join_version(version: Version) -> Version:
    """Return the version of join that a version of federation needs."""
    return (0, 5) if version >= (2, 8) else (0, 4) if version >= (2, 7) else (0, 3)


def add_frame(merge: Merge) -> None:
    """Link what the supergraph uses and define it."""
    version = max(_needed_version(merge, it) for it in merge.subgraphs)
    join_at = join_version(version)
    merge.merged.root.directives += [
        _link(f"{LINK}/v1.0"),
        _link(f"{JOIN}/{version_text(join_at)}", purpose="EXECUTION"),
    ]
    _include(merge.merged, _LINK_DEFINITIONS)
    extra = ", overrideLabel: String" if join_at >= (0, 4) else ""
    extra += ", contextArguments: [join__ContextArgument!]" if join_at >= (0, 5) else ""
    _include(merge.merged, _JOIN_DEFINITIONS % extra)
    if join_at >= (0, 4):
        _include(merge.merged, _JOIN_0_4)
    if join_at >= (0, 5):
        _include(merge.merged, _JOIN_0_5)
    _add_graphs(merge)
    for target, feature in merge.directives.features:
        _add_feature(merge, target, feature)
    for feature in merge.directives.custom_features:
        merge.merged.root.directives.append(_link(str(feature.url), imports=_imports(feature)))
    merge.merged.directives |= merge.directives.custom_definitions


def _needed_version(merge: Merge, subgraph: SubgraphSchema) -> Version:
    linked, needed = federation_version(subgraph)
    if needed > linked:
        message = (
            f'Subgraph "{subgraph.name}" is read as federation {version_text(needed)} instead of '
            f"{version_text(linked)}, because of a feature that it links."
        )
        merge.report.hint("IMPLICITLY_UPGRADED_FEDERATION_VERSION", message)
    return needed


def _link(url: str, purpose: str | None = None, imports: list[Value] | None = None) -> Directive:
    args: dict[str, Value] = {"url": url}
    if imports:
        args["import"] = imports
    if purpose:
        args["for"] = EnumName(purpose)
    return Directive("link", args)


def _include(schema: Schema, text: str) -> None:
    read = read_schema(text).schema
    schema.types |= read.types
    schema.directives |= read.directives


def _add_graphs(merge: Merge) -> None:
    graphs = TypeDef(name="join__Graph", kind=Kind.ENUM)
    for subgraph, graph in zip(merge.subgraphs, merge.graphs, strict=True):
        graphs.values[graph] = Element(graph, directives=[join("graph", name=subgraph.name, url=subgraph.url)])
    merge.merged.types["join__Graph"] = graphs


def _add_feature(merge: Merge, target: Target, feature: Feature) -> None:
    merge.merged.root.directives.append(_link(str(feature.url), target.purpose, _imports(feature)))
    spec = find_spec_or_empty(target.identity, target.version)
    merge.merged.directives |= localized(spec, feature)
    for name in spec.types:
        local = feature.type_name(name)
        merge.merged.types[local] = TypeDef(name=local, kind=Kind.SCALAR)


def _imports(feature: Feature) -> list[Value]:
    return [name if name == local else {"name": name, "as": local} for name, local in feature.imports.items()]
