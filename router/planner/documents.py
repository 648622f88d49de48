"""Write the text of a request, compactly, and keep its fields from clashing.

GraphQL refuses a request in which fields of different objects share a response key but not their shape: the same
nullability and lists, and the same leaf type. Subgraphs may differ there where the client's schema does not, so such
fields get an alias in the request, which is taken back before the answer is merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from router.planner.fetches import Document, DocumentField
from router.planner.plan import FieldStep, ListStep, Path, Rename
from router.planner.selection import TYPENAME


def drop_repeated(document: Document, outer: Mapping[str, DocumentField] | None = None) -> None:
    """Take leaves out of fragments that are asked for around them, and fragments that then are empty."""
    known = dict(outer or {})
    document.fields = {key: field for key, field in document.fields.items() if not _is_same_leaf(known.get(key), field)}
    known |= document.fields
    for field in document.fields.values():
        if field.selection is not None:
            drop_repeated(field.selection)
    for fragment in document.fragments.values():
        drop_repeated(fragment, known)
    document.fragments = {name: part for name, part in document.fragments.items() if part.fields or part.fragments}


def _is_same_leaf(known: DocumentField | None, field: DocumentField) -> bool:
    return known is not None and field.selection is None and known.shape == field.shape


def write_document(document: Document) -> str:
    """Write a selection set with its braces."""
    parts = [_write_field(field) for field in document.fields.values()]
    parts += [f"... on {type_name}{write_document(fragment)}" for type_name, fragment in document.fragments.items()]
    return "{" + (" ".join(parts) or TYPENAME) + "}"


def _write_field(field: DocumentField) -> str:
    alias = "" if field.key == field.name else f"{field.key}:"
    inner = "" if field.selection is None else write_document(field.selection)
    return f"{alias}{field.name}{field.arguments}{inner}"


def variables_of(document: Document) -> frozenset[str]:
    """Return the client's variables that a selection set uses."""
    found: set[str] = set()
    for field in document.fields.values():
        found |= field.variables
        if field.selection is not None:
            found |= variables_of(field.selection)
    for fragment in document.fragments.values():
        found |= variables_of(fragment)
    return frozenset(found)


def keep_apart(documents: Sequence[Document], path: Path = ()) -> Iterator[Rename]:
    """Give aliases to fields whose shapes clash, in selection sets whose objects stand at one place of the answer.

    Yields:
        What must be renamed back in the answer, the inner before the outer.
    """
    if all(not document.fragments for document in documents) and len(documents) == 1:
        for field in documents[0].fields.values():
            if field.selection is not None:
                yield from keep_apart([field.selection], _below(path, field))
        return
    for key, owners in _by_key(documents).items():
        yield from _keep_field_apart(key, owners, path)


def _keep_field_apart(key: str, owners: Sequence[Document], path: Path) -> Iterator[Rename]:
    shapes: dict[str, list[Document]] = {}
    for document in owners:
        shapes.setdefault(document.fields[key].shape, []).append(document)
    for number, alike in enumerate(shapes.values()):
        alias = f"_{number}_{key}" if number else key
        for document in alike:
            document.fields[key] = replace(document.fields[key], key=alias)
        inner = [part for document in alike if (part := document.fields[key].selection) is not None]
        if inner:
            yield from keep_apart(inner, _below(path, alike[0].fields[key]))
        if number:
            yield Rename(path, alias, key)


def _by_key(documents: Iterable[Document]) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    pending = list(documents)
    while pending:
        document = pending.pop(0)
        for key in document.fields:
            found.setdefault(key, []).append(document)
        pending.extend(document.fragments.values())
    return found


def _below(path: Path, field: DocumentField) -> Path:
    return (*path, FieldStep(field.key), *(ListStep() for _ in range(field.lists)))
