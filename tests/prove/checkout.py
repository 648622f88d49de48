"""A clean checkout of what is committed here, and the commands that people run in it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
REFERENCE_CASES = HERE.parent / "shared"
"""Where the reference cases and the benchmark stand beside a checkout; a user's clone has none."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended: exit code, what it printed, seconds it took."""

    code: int
    output: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder with a fresh clone in it."""

    root: Path

    def run(self, *command: str, environment: Mapping[str, str] | None = None, timeout: float = 1200) -> Finished:
        """Run a command to its end."""
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**_clean_environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Finished(done.returncode, done.stdout, time.monotonic() - began)

    def storegraph(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
        """Run the checkout's own `storegraph`."""
        return self.run(".venv/bin/storegraph", *arguments, environment=environment, timeout=300)


@contextmanager
def clean_checkout() -> Iterator[Checkout]:
    """Clone what is committed into a new folder and delete it afterwards; `../shared` stands beside the clone."""
    folder = Path(tempfile.mkdtemp(prefix="storegraph-prove-"))
    folder.chmod(0o755)
    try:
        subprocess.run(["git", "clone", "--quiet", str(HERE), str(folder / "clone")], check=True)
        if REFERENCE_CASES.is_dir():
            (folder / "shared").symlink_to(REFERENCE_CASES)
        yield Checkout(folder / "clone")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class Running:
    """A server started from a checkout."""

    process: subprocess.Popen[str]
    url: str
    seconds_to_ready: float

    def interrupt(self, patience: float = 30) -> int:
        """Ctrl-C, and wait; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(patience)

    def kill(self) -> None:
        """SIGKILL to the process alone, as a crash would be; its children are left to themselves."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running(checkout: Checkout, command: Sequence[str], port: int, patience: float = 120) -> Iterator[Running]:
    """Start a server and wait until it answers on `port`; it is ended in any case."""
    began = time.monotonic()
    log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed below, and read when the server does not come up
    process = subprocess.Popen(
        command, cwd=checkout.root, env=_clean_environment(), stdout=log, stderr=subprocess.STDOUT, text=True
    )
    url = f"http://127.0.0.1:{port}/graphql"
    try:
        while not answers(url):
            if process.poll() is not None or time.monotonic() - began > patience:
                log.seek(0)
                raise RuntimeError(f"{' '.join(command)} did not come up:\n{log.read()[-2000:]}")
            time.sleep(0.05)
        yield Running(process, url, time.monotonic() - began)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.close()


def answers(url: str) -> bool:
    """Whether a GraphQL endpoint answers `{ __typename }`."""
    try:
        return bool(graphql(url, "{ __typename }").get("data"))
    except (OSError, ValueError):
        return False


def graphql(url: str, query: str, variables: Mapping[str, Any] | None = None, token: str | None = None) -> Any:
    """Send one operation and return the decoded answer, whatever its status."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        return json.load(refused)


def log_in(url: str, who: str) -> str:
    """The access token of one of the demo users: customer, staff or admin."""
    document = """mutation ($email: String!, $password: String!) {
        userLogin(email: $email, password: $password) { accessToken errors { message } }
    }"""
    answer = graphql(url, document, {"email": f"{who}@example.com", "password": "storegraph-demo"})
    return str(answer["data"]["userLogin"]["accessToken"])


def wait_until(ready: Callable[[], bool], patience: float = 30) -> None:
    """Return when `ready` holds.

    Raises:
        TimeoutError: it did not within `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError("did not become ready")
        time.sleep(0.02)


def descendants_of(folder: Path) -> list[str]:
    """Command lines of the processes that still work in or on `folder`."""
    listing = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    own = {str(os.getpid()), str(os.getppid())}
    return [line for line in listing.splitlines() if str(folder) in line and line.split()[0] not in own]


def _clean_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STOREGRAPH_", "VIRTUAL_ENV"))}
    kept["PYTHON"] = getattr(sys, "_base_executable", sys.executable) or sys.executable
    return kept
