"""What `storegraph operations` does; the command line only binds it.

Results go to standard output, reasons for refusals to standard error. Exit codes: 0 done, 1 refused or something would
break, 2 wrong use.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, Literal, ParamSpec

from graphql import GraphQLError, GraphQLSchema, build_schema

from router.config import ConfigError
from router.operations.lists import read_operations
from router.operations.manifest import StoredOperation
from router.operations.registry import Registry, RegistryError, read_publication
from router.operations.usage import Key, Use, read_usage
from router.operations.validity import Breakage, breakages
from router.sources import FAILED, WRONG_USE, CommandError, read_supergraph, read_text

Format = Literal["text", "json"]
P = ParamSpec("P")
_SHOWN_ID = 16


def _command(run: Callable[P, int]) -> Callable[P, int]:
    """Turn errors into one line and an exit code."""

    @wraps(run)
    def bound(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return run(*args, **kwargs)
        except RegistryError as error:
            return _refuse(str(error), FAILED)
        except ConfigError as error:
            return _refuse(str(error), WRONG_USE)
        except CommandError as error:
            return _refuse(str(error), error.exit_code)

    return bound


def _refuse(reason: str, code: int) -> int:
    sys.stderr.write(f"storegraph: {reason}\n")
    return code


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


@_command
def run_publish(folder: Path, client: str | None, files: Iterable[Path], schema: Path | None) -> int:
    """Add operations to a client's list, all or none."""
    operations = [each for file in files for each in read_publication(file, client)]
    if schema is not None and (invalid := breakages(read_api_schema(schema), operations)):
        _tell_breakages(invalid)
        return _refuse(f"{len(invalid)} of {len(operations)} operations are not valid; nothing was published", FAILED)
    published = Registry(folder).publish(client, operations)
    for each in published.added:
        _say(f"published  {each.id}  {each.name}")
    _say(f"{len(published.added)} published, {len(published.known)} known before, for {client or 'all clients'}")
    return 0


@_command
def run_list(folder: Path, client: str | None, usage: Path | None, report: Format) -> int:
    """Show what is published and how it is used."""
    operations = [each for each in read_operations(folder) if client is None or each.client == client]
    uses = read_usage(usage)
    if report == "json":
        _say(json.dumps([_described(each, uses) for each in operations], indent=2))
        return 0
    for each in sorted(operations, key=lambda it: (it.client or "", it.name, it.id)):
        what = f"{each.id:<64} {each.kind:<12} {each.name:<32}"
        _say(f"{each.client or 'all clients':<16} {what} {_used(each, uses)}")
    _say(f"{len(operations)} operations")
    return 0


def _described(operation: StoredOperation, uses: Mapping[Key, Use]) -> dict[str, Any]:
    budget = operation.budget
    return {
        "id": operation.id,
        "name": operation.name,
        "type": operation.kind,
        "client": operation.client,
        "budget": None
        if budget is None
        else {"requests": budget.requests, "seconds": budget.seconds, "cost": budget.cost},
        "usage": {
            name or None: {"count": use.count, "first": use.first.isoformat(), "last": use.last.isoformat()}
            for name, use in _uses_of(operation, uses).items()
        },
    }


def _uses_of(operation: StoredOperation, uses: Mapping[Key, Use]) -> dict[str, Use]:
    """Return the uses of an operation by the clients that may use it."""
    return {
        client: use
        for (operation_id, client), use in uses.items()
        if operation_id == operation.id and operation.client in (None, client)
    }


def _used(operation: StoredOperation, uses: Mapping[Key, Use]) -> str:
    found = _uses_of(operation, uses)
    if not found:
        return "-"
    last = max(use.last for use in found.values())
    return f"{sum(use.count for use in found.values())} times, last {last:%Y-%m-%d}"


@_command
def run_check(folder: Path, schema: Path, usage: Path | None, report: Format) -> int:
    """Validate every published operation on a schema."""
    operations = read_operations(folder)
    found = breakages(read_api_schema(schema), operations)
    uses = read_usage(usage)
    if report == "json":
        broken = [{**_described(each.operation, uses), "reasons": list(each.reasons)} for each in found]
        _say(json.dumps({"success": not found, "checked": len(operations), "broken": broken}, indent=2))
        return FAILED if found else 0
    _tell_breakages(found, uses)
    contacts = {name: each.contact for name, each in Registry(folder).clients().items()} if folder.is_dir() else {}
    hit = sorted({each.operation.client or "all clients" for each in found})
    named = ", ".join(f"{name} ({contacts[name]})" if contacts.get(name) else name for name in hit)
    _say(
        f"{len(operations) - len(found)} of {len(operations)} operations hold" + (f"; broken: {named}" if found else "")
    )
    return FAILED if found else 0


def _tell_breakages(found: Iterable[Breakage], uses: Mapping[Key, Use] | None = None) -> None:
    for each in found:
        operation = each.operation
        used = "" if not uses else f", used {_used(operation, uses)}"
        _say(
            f"{operation.client or 'all clients'}: {operation.name or operation.id} ({operation.id[:_SHOWN_ID]}{used})"
        )
        for reason in each.reasons:
            _say(f"    {reason}")


@dataclass(frozen=True, slots=True)
class Retirement:
    """What is to be retired: operations by their ids, or all that are not in use."""

    client: str | None
    ids: tuple[str, ...]
    usage: Path | None
    days: int
    unused: bool
    force: bool


@_command
def run_retire(folder: Path, asked: Retirement) -> int:
    """Take operations from a client's list."""
    if bool(asked.ids) == asked.unused:
        raise CommandError("name the operations to retire, or say --unused", exit_code=WRONG_USE)
    if asked.usage is None and not asked.force:
        raise CommandError("--usage FILE shows what is still in use; without it, say --force", exit_code=WRONG_USE)
    registry = Registry(folder)
    uses = read_usage(asked.usage)
    since = datetime.now(UTC) - timedelta(days=asked.days)
    in_use = {
        each.id
        for each in registry.operations(asked.client)
        if any(use.last >= since for use in _uses_of(each, uses).values())
    }
    ids = (
        [each.id for each in registry.operations(asked.client) if each.id not in in_use] if asked.unused else asked.ids
    )
    if (kept := in_use & set(ids)) and not asked.force:
        raise RegistryError(f"'{min(kept)}' was used in the last {asked.days} days; --force retires it all the same")
    registry.retire(asked.client, ids)
    _say(f"{len(ids)} retired, {len(registry.operations(asked.client))} left for {asked.client or 'all clients'}")
    return 0


@_command
def run_add_client(folder: Path, name: str, contact: str | None) -> int:
    """Give a client a new API key."""
    key = Registry(folder).admit(name, contact)
    _say(f"API key of {name}, shown this once: {key}")
    return 0


def read_api_schema(path: Path) -> GraphQLSchema:
    """Read the schema that clients see: of a supergraph, of a `supergraph.yaml`, or as it is.

    Raises:
        CommandError: it cannot be read, or is none.
    """
    text = "" if path.suffix in (".yaml", ".yml") else read_text(path)
    if not text or "join__Graph" in text:
        return read_supergraph(path).api_schema
    try:
        return build_schema(text)
    except (GraphQLError, TypeError) as error:
        raise CommandError(f"{path}: {str(error).splitlines()[0]}", exit_code=WRONG_USE) from error
