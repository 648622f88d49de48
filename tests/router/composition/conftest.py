"""The corpus, what the reference says of it, and a comparison of supergraphs by what they mean."""

import json
import re
from pathlib import Path

import pytest

from router.composition import Subgraph
from router.sdl.field_sets import canonical_field_set, parse_field_set
from router.sdl.reader import read_schema
from router.sdl.values import UNSET, EnumName, canonical

HERE = Path(__file__).parent


class Corpus:
    """Small sets of subgraphs, each in one file, divided by lines ``# subgraph: NAME``."""

    folder = HERE / "corpus"
    verdicts = json.loads((HERE / "reference" / "verdicts.json").read_text())

    def text(self, name):
        """Return the text of a case."""
        return (self.folder / f"{name}.graphql").read_text()

    def subgraphs(self, name):
        """Return the subgraphs of a case."""
        parts = re.split(r"^# subgraph: ", self.text(name), flags=re.MULTILINE)[1:]
        divided = [part.partition("\n") for part in parts]
        return [Subgraph(head.strip(), sdl, f"http://{head.strip()}") for head, _, sdl in divided]


@pytest.fixture(scope="session")
def corpus():
    """Return the corpus."""
    return Corpus()


@pytest.fixture(scope="session")
def facts():
    """Return a function that breaks a supergraph down into what it says, whatever the order and spelling."""
    return _facts


def _facts(sdl):
    schema = read_schema(sdl).schema
    graphs = {value.name: value.directives[0].args["name"] for value in schema.types.pop("join__Graph").values.values()}
    found = {f"subgraph {name}" for name in graphs.values()}
    found |= {f"{operation}: {name}" for operation, name in schema.roots.items()}
    found |= {_directive(it, graphs) for it in schema.root.directives}
    for name in [it for it in schema.types if it.startswith(("join__", "link__"))]:
        del schema.types[name]
    for name in [it for it in schema.directives if it == "link" or it.startswith("join__")]:
        del schema.directives[name]
    for owner, element in _elements(schema):
        found.add(f"{owner} {element.description!r} {_own(element)}")
        found |= {f"{owner} {_directive(it, graphs, getattr(element, 'type', None))}" for it in element.directives}
    return found


def _elements(schema):
    for definition in schema.directives.values():
        yield f"@{definition.name}", definition
        yield from ((f"@{definition.name}({arg.name}:)", arg) for arg in definition.args.values())
    for it in schema.types.values():
        yield it.name, it
        for part in (*it.fields.values(), *it.inputs.values(), *it.values.values()):
            yield f"{it.name}.{part.name}", part
            for arg in getattr(part, "args", {}).values():
                yield f"{it.name}.{part.name}({arg.name}:)", arg


def _own(element):
    said = [str(getattr(element, name, "")) for name in ("kind", "type", "repeatable")]
    said += [str(sorted(getattr(element, name, ()))) for name in ("interfaces", "members", "locations")]
    default = getattr(element, "default", UNSET)
    return " ".join(said) + ("" if default is UNSET else f" = {canonical(default)}")


def _directive(it, graphs, own_type=None):
    args = {}
    for name, value in it.args.items():
        if name in ("key", "requires", "provides") and it.name.startswith("join__"):
            args[name] = canonical_field_set(parse_field_set(value))
        elif isinstance(value, EnumName) and value in graphs:
            args[name] = graphs[value]
        elif name == "graphs":
            args[name] = sorted(graphs[graph] for graph in value)
        elif name == "import":
            args[name] = sorted(map(canonical, value))
        elif not (name == "type" and value == own_type) and not (name == "resolvable" and value is True):
            args[name] = value
    return f"@{it.name}({canonical(args)})"
