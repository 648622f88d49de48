"""A router as a process of its own, and what the machine says about it: memory, sockets, CPU time."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READY = re.compile(r"router: http://([\d.]+):(\d+)")
PATIENCE = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        """The codes of the errors in it."""
        return [error["extensions"]["code"] for error in self.json().get("errors", ())]


@dataclass(frozen=True, slots=True)
class RouterProcess:
    """A router that runs."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, query: str, variables: Mapping[str, Any] | None = None, timeout: float = 30) -> Answer:
        return self.post(json.dumps({"query": query, "variables": variables}).encode(), timeout=timeout)

    def post(self, body: bytes, headers: Mapping[str, str] | None = None, timeout: float = 30) -> Answer:
        return self.request("POST", "/graphql", body, {"content-type": "application/json", **(headers or {})}, timeout)

    def request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout: float = 30
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.read())
        finally:
            connection.close()

    @property
    def memory(self) -> float:
        """Resident memory in MB."""
        return self._status("VmRSS")

    @property
    def peak_memory(self) -> float:
        """The most resident memory since `forget_peak`, in MB."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        self._file("clear_refs").write_text("5")

    @property
    def sockets(self) -> int:
        """How many sockets are open."""
        return sum(1 for each in self._file("fd").iterdir() if _target(each).startswith("socket:"))

    @property
    def cpu_seconds(self) -> float:
        fields = self._file("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def _status(self, name: str) -> float:
        found = re.search(rf"{name}:\s+(\d+) kB", self._file("status").read_text())
        assert found
        return int(found[1]) / 1024

    def _file(self, name: str) -> Path:
        return Path(f"/proc/{self.process.pid}/{name}")


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


@contextmanager
def router_process(
    folder: Path, supergraph: str, yaml: str = "", module: str = "router.cli", arguments: Sequence[str] = ("router",)
) -> Iterator[RouterProcess]:
    """Start a router and wait until it is ready; it is ended in any case."""
    (folder / "supergraph.graphql").write_text(supergraph)
    (folder / "router.yaml").write_text(yaml)
    command = [sys.executable, "-m", module, *arguments, "--supergraph", str(folder / "supergraph.graphql")]
    command += ["--config", str(folder / "router.yaml"), "--port", "0"]
    said = folder / "router.err"
    with (folder / "router.log").open("w") as log, said.open("w") as errors:
        process = subprocess.Popen(command, stderr=errors, stdout=log, text=True)
        try:
            yield RouterProcess(process, _port(process, said))
        finally:
            process.terminate()
            process.wait(30)


def _port(process: subprocess.Popen[str], said: Path) -> int:
    """Wait for the router to say where it listens. It writes to a file: a pipe that nobody reads would stop it."""
    end = time.monotonic() + PATIENCE
    while not (ready := READY.search(text := said.read_text())):
        assert process.poll() is None, text
        assert time.monotonic() < end, text
        time.sleep(0.05)
    return int(ready[2])
