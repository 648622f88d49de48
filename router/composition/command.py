"""What ``storegraph compose`` and ``storegraph check`` do; the command line only binds them.

Exit codes: 0 done, 1 the schemas are not good (or break clients), 2 wrong use: a configuration or file is of no use.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import perf_counter
from typing import Any, Literal, TextIO

from graphql import GraphQLError, build_schema
from graphql.utilities import find_breaking_changes, find_dangerous_changes
from watchfiles import watch as watch_files

from router.composition.api_schema import api_schema
from router.composition.composer import Composed, compose
from router.composition.config import read_config
from router.composition.errors import ComposeFailure, CompositionError, Hint
from router.composition.hint_codes import Level
from router.composition.sources import load_subgraphs
from router.sdl.printer import print_schema
from router.sdl.reader import read_schema

Format = Literal["text", "json"]
DONE, REFUSED, WRONG_USE = 0, 1, 2
_DEBOUNCE_MS = 100


def run_compose(
    config: str | Path,
    out: str | Path | None = None,
    format: Format = "text",  # noqa: A002 - the name of the option
    *,
    watch: bool = False,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Compose what a configuration names.

    Args:
        config: The path of ``supergraph.yaml``.
        out: The file for the supergraph, which is replaced as a whole or not at all; standard output if none.
        format: How to report: text for people, or one JSON object per composition.
        watch: Whether to compose again whenever one of the files changes.
        stdout: Where results go.
        stderr: Where messages for people go.
        stop: Ends the watch.

    Returns:
        The exit code.
    """
    run = _Compose(Path(config), Path(out) if out else None, format, stdout or sys.stdout, stderr or sys.stderr)
    code = run.once()
    if watch:
        for _ in watch_files(
            *run.watched(), debounce=_DEBOUNCE_MS, step=20, stop_event=stop, raise_interrupt=False, recursive=False
        ):
            if run.has_changed():
                code = run.once()
    return code


class _Compose:
    """One or, when watching, many compositions of one configuration."""

    def __init__(self, config: Path, out: Path | None, report: Format, stdout: TextIO, stderr: TextIO) -> None:
        self.config, self.out, self.format = config, out, report
        self.stdout, self.stderr = stdout, stderr
        self.files: list[Path] = [config]
        self.stamps: dict[Path, tuple[int, int]] = {}

    def once(self) -> int:
        started = perf_counter()
        try:
            config = read_config(self.config)
            self.files = config.files
            self.has_changed()
            subgraphs = load_subgraphs(config)
        except ComposeFailure as error:
            return self.fail(error)
        result = compose(subgraphs, latest_version=config.federation_version)
        if not isinstance(result, Composed):
            self.tell(errors=result)
            return REFUSED
        try:
            if self.out:
                write_atomically(self.out, result.supergraph_sdl)
        except OSError as error:
            return self.fail(ComposeFailure(f"{self.out}: cannot be written: {error.strerror}"))
        self.tell(result, milliseconds=(perf_counter() - started) * 1000)
        return DONE

    def watched(self) -> Iterable[Path]:
        """Return the directories to watch: editors replace files, so the files themselves would be lost."""
        return {it.resolve().parent for it in self.files if it.resolve().parent.is_dir()}

    def has_changed(self) -> bool:
        """Tell whether any file is not as it was, and remember how it is."""
        stamps: dict[Path, tuple[int, int]] = {}
        for it in self.files:
            try:
                status = it.stat()
                stamps[it] = (status.st_mtime_ns, status.st_size)
            except OSError:
                stamps[it] = (0, -1)
        before, self.stamps = self.stamps, stamps
        return before != stamps

    def fail(self, error: ComposeFailure) -> int:
        if self.format == "json":
            _write_json(self.stdout, {"success": False, "problems": str(error).splitlines()})
        else:
            _write(self.stderr, str(error))
        return WRONG_USE

    def tell(
        self,
        result: Composed | None = None,
        *,
        errors: Sequence[CompositionError] = (),
        milliseconds: float = 0.0,
    ) -> None:
        hints = result.hints if result else ()
        if self.format == "json":
            answer: dict[str, Any] = {"success": result is not None}
            answer["errors"] = [it.as_json() for it in errors]
            answer["hints"] = [it.as_json() for it in hints]
            if result and not self.out:
                answer["supergraph"] = result.supergraph_sdl
            _write_json(self.stdout, answer)
            return
        for it in (*errors, *_worth_telling(hints)):
            _write(self.stderr, f"{it}\n")
        if errors:
            _write(self.stderr, f"{len(errors)} error{'s' if len(errors) > 1 else ''}: no supergraph was composed.")
        elif self.out:
            _write(self.stderr, f"{self.out}: composed in {milliseconds:.0f} ms")
        elif result:
            _write(self.stdout, result.supergraph_sdl)


def _worth_telling(hints: Iterable[Hint]) -> list[Hint]:
    return [it for it in hints if it.level >= Level.WARN]


def run_check(
    config: str | Path,
    against: str | Path,
    format: Format = "text",  # noqa: A002 - the name of the option
    *,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Compose, and compare the API schema with an older one (an API schema or a supergraph) for what breaks clients."""
    out, err = stdout or sys.stdout, stderr or sys.stderr
    run = _Compose(Path(config), None, format, out, err)
    try:
        settings = read_config(config)
        result = compose(load_subgraphs(settings), latest_version=settings.federation_version)
        old = _api_sdl(Path(against))
    except ComposeFailure as error:
        return run.fail(error)
    if not isinstance(result, Composed):
        run.tell(errors=result)
        return REFUSED
    before, after = build_schema(old), build_schema(result.api_sdl)
    breaking = [(it.type.name, it.description) for it in find_breaking_changes(before, after)]
    dangerous = [(it.type.name, it.description) for it in find_dangerous_changes(before, after)]
    if format == "json":
        changes = {"breaking": breaking, "dangerous": dangerous}
        listed = {key: [{"type": kind, "description": text} for kind, text in its] for key, its in changes.items()}
        _write_json(out, {"success": not breaking, **listed})
    else:
        for label, its in (("breaking", breaking), ("dangerous", dangerous)):
            for kind, text in its:
                _write(out, f"{label}  {kind}: {text}")
        _write(out, f"{len(breaking)} breaking and {len(dangerous)} dangerous changes against {against}")
    return REFUSED if breaking else DONE


def _api_sdl(path: Path) -> str:
    """Read an older schema, and reduce it to its API where it is a supergraph."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ComposeFailure(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        schema = read_schema(text, str(path)).schema
        if "join__Graph" in schema.types:
            text = print_schema(api_schema(schema))
        build_schema(text)
    except (GraphQLError, TypeError) as error:
        raise ComposeFailure(f"{path}: is not a schema: {error}") from None
    return text


def write_atomically(path: Path, text: str) -> None:
    """Replace a file as a whole: whoever reads it sees the old text or the new one."""
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    temporary.chmod(0o644)
    temporary.replace(path)


def _write(stream: TextIO, text: str) -> None:
    stream.write(text if text.endswith("\n") else text + "\n")
    stream.flush()


def _write_json(stream: TextIO, value: dict[str, Any]) -> None:
    _write(stream, json.dumps(value, ensure_ascii=False))
