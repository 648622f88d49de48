"""Many open subscriptions on one worker: how soon events reach all, what they cost, and the memory they take.

    python -m benchmarks subscriptions [--protocol websocket|sse|multipart|all] [--subscriptions 1000] [--rate 50]
                                       [--seconds 10] [--quick] [--json] [--markdown]

Three processes: a subgraph that writes the time as a server-sent event, so many times a second; the router with one
worker; and this one, which holds the subscriptions, each on a connection of its own, and reads the times out of what
arrives. The delay of an event is measured from the subgraph's writing to the client's reading, so that whatever keeps
the clients busy counts too. Processor time is the router's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from router.composition import Subgraph, compose

SDL = "type Query { now: String } type Subscription { ticks: String! }"
QUERY = '{"query":"subscription { ticks }"}'
TICK = re.compile(rb'"ticks":"(\d+)"')
READY = re.compile(r"router: (http://\S+) ")
LONGEST_TICK = 64
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
HEADERS = {"sse": "text/event-stream", "multipart": "multipart/mixed;subscriptionSpec=1.0"}


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured over one protocol."""

    protocol: str
    subscriptions: int
    per_second: float
    seconds: float
    expected: int
    delivered: int
    delay_ms_p50: float
    delay_ms_p99: float
    delay_ms_worst: float
    memory_mb: float
    kilobytes_each: float
    cpu_percent: float
    cpu_us_per_delivery: float


class Listener(asyncio.Protocol):
    """One subscription: sends what opens it, and notes the delay of each event."""

    def __init__(self, opening: bytes, delays: array[float]) -> None:
        self._opening = opening
        self._delays = delays
        self._rest = b""
        self.heard = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the events."""
        transport.write(self._opening)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Find the times in what arrived."""
        now = time.monotonic_ns()
        text = self._rest + data
        end = 0
        for found in TICK.finditer(text):
            self._delays.append((now - int(found[1])) / 1e6)
            self.heard += 1
            end = found.end()
        self._rest = text[end:][-LONGEST_TICK:]


def opening(protocol: str, address: str) -> bytes:
    """Return what a client sends to open a subscription."""
    if protocol == "websocket":
        head = (
            f"GET /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            "sec-websocket-version: 13\r\nsec-websocket-protocol: graphql-transport-ws\r\n"
            "sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )
        subscribe = f'{{"id":"1","type":"subscribe","payload":{QUERY}}}'
        return head.encode() + frame('{"type":"connection_init"}') + frame(subscribe)
    return (
        f"POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"
        f"accept: {HEADERS[protocol]}\r\ncontent-length: {len(QUERY)}\r\n\r\n{QUERY}"
    ).encode()


def frame(text: str) -> bytes:
    """Return a short text as a masked WebSocket frame; the mask of zeros leaves it as it is."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text.encode()


async def emit(rate: float) -> None:
    """Be the subgraph: write the time to whoever asks, and never more than one listener is expected."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n:\n\n")
        due = time.monotonic()
        while not writer.is_closing():
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            writer.write(b'event: next\ndata: {"data":{"ticks":"%d"}}\n\n' % time.monotonic_ns())
            await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command until the end of the block."""
    running = subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield running
    finally:
        running.terminate()
        running.wait(20)


def first_line(stream: object) -> str:
    """Return the first line that a process writes."""
    line = stream.readline()  # type: ignore[attr-defined]
    if not line:
        raise SystemExit("a process ended before it was ready")
    return str(line)


@contextmanager
def router(rate: float) -> Iterator[tuple[int, str]]:
    """Run the subgraph and the router; yields the router's process id and address."""
    with (
        tempfile.TemporaryDirectory() as folder,
        process("benchmarks", "subscriptions", "--emit", str(rate)) as subgraph,
    ):
        port = first_line(subgraph.stdout).strip()
        supergraph, config = Path(folder) / "supergraph.graphql", Path(folder) / "router.yaml"
        composed = compose([Subgraph("clock", SDL, f"http://127.0.0.1:{port}/graphql")])
        supergraph.write_text(composed.supergraph_sdl)  # type: ignore[union-attr]
        config.write_text("subscriptions: {subgraphs: {protocol: sse}}\n")
        command = ("router.cli", "router", "--supergraph", str(supergraph), "--config", str(config), "--port", "0")
        with process(*command) as running:
            ready = READY.match(first_line(running.stderr))
            if ready is None:
                raise SystemExit("the router did not start")
            yield running.pid, urlsplit(ready[1]).netloc


def memory(pid: int) -> float:
    """Return the resident memory of a process in megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def cpu(pid: int) -> float:
    """Return the processor time of a process in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


async def until(condition: object, seconds: float) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.02)


async def measure(protocol: str, subscriptions: int, rate: float, seconds: float) -> Figures:
    """Open the subscriptions and listen."""
    loop = asyncio.get_running_loop()
    with router(rate) as (pid, address):
        host, _, port = address.rpartition(":")
        delays = array("d")
        text = opening(protocol, address)
        before = memory(pid)
        listeners: list[Listener] = []
        transports: list[asyncio.Transport] = []
        for _ in range(subscriptions):
            transport, listener = await loop.create_connection(lambda: Listener(text, delays), host, int(port))
            listeners.append(listener)
            transports.append(transport)
        await until(lambda: all(each.heard for each in listeners), 60)
        await asyncio.sleep(1.0)
        del delays[:]
        begun, used, heard = time.monotonic(), cpu(pid), [each.heard for each in listeners]
        await asyncio.sleep(seconds)
        lasted, used = time.monotonic() - begun, cpu(pid) - used
        grown = memory(pid) - before
        for each in transports:
            each.abort()
        found = sorted(delays)
        counts = [each.heard - old for each, old in zip(listeners, heard, strict=True)]
    expected = max(counts) * subscriptions
    # A connection may have been read just before or just after the instant at which all are counted.
    delivered = expected if max(counts) - min(counts) <= 1 + rate * max(found[-1], 1.0) / 1e3 else sum(counts)
    return Figures(
        protocol=protocol,
        subscriptions=subscriptions,
        per_second=round(max(counts) / lasted),
        seconds=round(lasted, 1),
        expected=expected,
        delivered=delivered,
        delay_ms_p50=round(found[len(found) // 2], 1),
        delay_ms_p99=round(found[int(len(found) * 0.99)], 1),
        delay_ms_worst=round(found[-1], 1),
        memory_mb=round(grown, 1),
        kilobytes_each=round(grown * 1_000 / subscriptions, 1),
        cpu_percent=round(used / lasted * 100),
        cpu_us_per_delivery=round(used / len(found) * 1e6, 1),
    )


def table(rows: list[Figures]) -> str:
    """Return the figures as a table in Markdown."""
    head = (
        "| protocol | subscriptions | events/s to each | delivered/s | delay p50 / p99 / worst ms | router's memory MB"
        " (KB each) | router's CPU | CPU us per delivery |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    lines = [
        f"| {each.protocol} | {each.subscriptions} | {each.per_second} | {each.delivered / each.seconds:.0f} | "
        f"{each.delay_ms_p50} / {each.delay_ms_p99} / {each.delay_ms_worst} | "
        f"{each.memory_mb} ({each.kilobytes_each}) | {each.cpu_percent} % | {each.cpu_us_per_delivery} |"
        for each in rows
    ]
    return "\n".join([head, *lines])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--protocol", choices=("websocket", "sse", "multipart", "all"), default=None)
    parser.add_argument("--subscriptions", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--quick", action="store_true", help="measure for 4 seconds")
    parser.add_argument("--json", action="store_true", help="one line of JSON at the end; over WebSocket, if not told")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--emit", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.emit:
        uvloop.run(emit(options.emit))
        return
    chosen = options.protocol or ("websocket" if options.json else "all")
    protocols = ("websocket", "sse", "multipart") if chosen == "all" else (chosen,)
    seconds = 4.0 if options.quick else options.seconds
    rows = [uvloop.run(measure(each, options.subscriptions, options.rate, seconds)) for each in protocols]
    if options.json:
        print(json.dumps(asdict(rows[0])))
    else:
        print(table(rows))


if __name__ == "__main__":
    main()
