"""Identity: what the security suite holds, and what only a running store shows: races, timing, load, erasure."""

from __future__ import annotations

import asyncio
import math
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.prove import erasure
from tests.prove.checkout import HERE, graphql
from tests.prove.claims import Prover

T = TypeVar("T")

_LOGIN = """mutation ($email: String!, $password: String!) {
    userLogin(email: $email, password: $password) { accessToken refreshToken errors { code } }
}"""
_REFRESH = "mutation ($t: String!) { tokenRefresh(refreshToken: $t) { accessToken refreshToken errors { code } } }"
_BROWSE = "query ($first: Int!) { categories(first: $first) { nodes { slug name } } }"
_PASSWORD = "storegraph-demo"
_LOOK_EVERY = 0.005
_SUITE = (
    "tests/subgraphs/users",
    "tests/kernel/test_sealing.py",
    "tests/kernel/test_identity.py",
    "tests/kernel/test_vault.py",
    "tests/kernel/test_personal_data.py",
    "tests/router/policy",
    "tests/e2e/test_access.py",
)
_SUBGRAPHS = {"users", "orders", "payments", "shipping", "notifications", "recommendations", "inventory", "products"}


def prove(prover: Prover) -> None:
    """Run a store and put it under load last; then the suite."""
    with tempfile.TemporaryDirectory(prefix="storegraph-prove-") as root:
        folder = Path(root)
        folder.chmod(0o755)
        log = folder / "store.log"
        with erasure.store_with_fast_parcels(folder / "data", log) as url:
            parts: tuple[tuple[str, Callable[[], None]], ...] = (
                ("Refreshing at once", lambda: _races(prover, url)),
                ("Rotation of the signing key", lambda: _rotation(prover, url, folder / "data")),
                ("What the time of a log-in tells", lambda: _timing(prover, url)),
                ("Export and erasure", lambda: _erasure(prover, url, folder / "data", log)),
                ("Fifty log-ins a second", lambda: _load(prover, url)),
            )
            for title, part in parts:
                with prover.part(title):
                    part()
    with prover.part("Security suite"):
        _suite(prover)


def _suite(prover: Prover) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", *_SUITE]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=1500, check=False)
    passed = int((re.search(r"(\d+) passed", done.stdout) or ["", "0"])[1])
    failed = int((re.search(r"(\d+) (failed|error)", done.stdout) or ["", "0"])[1])
    prover.check("tests of identity that pass", passed, ">= 400", passed >= 400)
    prover.equal("tests of identity that fail", failed, 0)
    for line in re.findall(r"^(?:FAILED|ERROR) .*$", done.stdout, re.MULTILINE):
        prover.console.print(f"  {line}")
    table = (HERE / "docs" / "asvs.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", table))
    known = "\n".join(path.read_text(encoding="utf-8") for path in (HERE / "tests").rglob("test_*.py"))
    missing = sorted(name for name in named if f"def {name}(" not in known)
    prover.equal(f"tests that docs/asvs.md names ({len(named)}) and that do not exist", missing, [])


def _races(prover: Prover, url: str) -> None:
    token, other = (_log_in(url, f"{who}@example.com")["refreshToken"] for who in ("customer", "staff"))
    answers = asyncio.run(_refresh_at_once(url, token, 200))
    successors = {each["refreshToken"] for each in answers if not each["errors"]}
    prover.equal("successors of one token that is refreshed 200 times at once", len(successors), 1)
    prover.equal("of those refreshes refused within the grace of 10 s", sum(bool(a["errors"]) for a in answers), 0)
    prover.equal("errors when the successor goes on", _refresh(url, successors.pop())["errors"], [])
    prover.equal("errors of somebody else's session", _refresh(url, other)["errors"], [])


def _rotation(prover: Prover, url: str, data_dir: Path) -> None:
    session = _log_in(url, "customer@example.com")
    before = _kids(url)
    command = [erasure.STOREGRAPH, "users", "rotate-signing-key", "--data-dir", str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    prover.equal("exit code of `storegraph users rotate-signing-key`", done.returncode, 0)
    me = graphql(url, "{ me { id } }", token=session["accessToken"])
    prover.check("a token of before opens the account after", me.get("data"), "an id", bool(me["data"]["me"]))
    prover.equal("errors when that session goes on", _refresh(url, session["refreshToken"])["errors"], [])
    prover.check("keys published before", len(before), ">= 1", len(before) >= 1)


def _timing(prover: Prover, url: str) -> None:
    known, unknown = [], []
    for number in range(12):
        known.append(_spent(url, _demo_address(url, number)))
        unknown.append(_spent(url, f"nobody.{number}@example.com"))
    ratio = statistics.median(unknown) / statistics.median(known)
    prover.check("median time, unknown to known address", f"{ratio:.3f}", "0.85 .. 1.15", 0.85 <= ratio <= 1.15)
    chance = _mann_whitney(known, unknown)
    prover.check("Mann-Whitney p that both are alike", f"{chance:.3f}", ">= 0.01", chance >= 0.01)


def _erasure(prover: Prover, url: str, data_dir: Path, log: Path) -> None:
    life = erasure.live(url, data_dir)
    before = life.search(log.read_text())
    prover.check("places with something of a person who bought", len(before), ">= 15", len(before) >= 15)
    exported = life.export()
    prover.equal("subgraphs in the copy of their data", sorted(exported), sorted(_SUBGRAPHS))
    text = str(exported)
    told = [trace for trace in (life.journey.email, "Invalidenstr. 117", "Quillfeather") if trace in text]
    prover.equal("of 3 traces told in it", len(told), 3)
    report = life.erase()
    prover.equal("subgraphs that report the erasure", sorted(report), sorted(_SUBGRAPHS))
    left = sorted({f"{place.where}: {place.what}" for place in life.search(log.read_text())})
    prover.equal("places with something left (tables, outboxes, inboxes, Valkey, files, log)", left, [])
    again = graphql(url, _LOGIN, {"email": life.journey.email, "password": life.journey.password})
    prover.equal("log-in after it", again["data"]["userLogin"]["errors"], [{"code": "INVALID_CREDENTIALS"}])


def _load(prover: Prover, url: str) -> None:
    seconds = 12 if prover.quick else 30
    addresses = [_demo_address(url, number) for number in range(100)]
    alone, late_alone = asyncio.run(_watched(_browse(url, seconds)))
    (beside, outcomes), late = asyncio.run(_watched(_browse_beside_log_ins(url, seconds, addresses)))
    prover.check("log-ins begun a second", f"{len(outcomes) / seconds:.0f}", ">= 45", len(outcomes) >= 45 * seconds)
    opened = outcomes.count("OK")
    prover.check("of them opened a session", opened, ">= 1 a second", opened >= seconds)
    honest = sum(outcome in {"OK", "RATE_LIMITED"} for outcome in outcomes)
    prover.equal("of them without an honest answer", len(outcomes) - honest, 0)
    for what, spent in (("of other requests", alone), ("by which this load itself comes late", late_alone)):
        prover.check(f"p99 {what}, alone", f"{_p99(spent) * 1000:.1f} ms", "measured", holds=True)
    prover.check(
        "p99 by which this load itself comes late beside them", f"{_p99(late) * 1000:.1f} ms", "measured", True
    )
    bound = max(3 * _p99(alone), 0.05)
    prover.at_most("p99 of other requests beside them", _p99(beside) * 1000, bound * 1000, "ms")


async def _watched(load: Awaitable[T]) -> tuple[T, list[float]]:
    """Run a load, and measure beside it how late its own event loop comes: what it adds to each figure."""
    late: list[float] = []

    async def watch() -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(_LOOK_EVERY)
            late.append(time.perf_counter() - begun - _LOOK_EVERY)

    watching = asyncio.create_task(watch())
    try:
        return await load, late
    finally:
        watching.cancel()


async def _browse(url: str, seconds: float) -> list[float]:
    """Ask for something cheap 40 times a second; gives how long each took."""
    spent: list[float] = []
    async with httpx.AsyncClient(timeout=30) as client:

        async def once(number: int) -> None:
            # Variables that differ keep the router from sharing one answer.
            body = {"query": _BROWSE, "variables": {"first": 1 + number % 50}}
            begun = time.perf_counter()
            (await client.post(url, json=body)).raise_for_status()
            spent.append(time.perf_counter() - begun)

        await _paced(40, seconds, once)
    return spent


async def _browse_beside_log_ins(url: str, seconds: float, addresses: list[str]) -> tuple[list[float], list[str]]:
    outcomes: list[str] = []
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=200)) as client:

        async def once(number: int) -> None:
            variables = {"email": addresses[number % len(addresses)], "password": _PASSWORD}
            answer = (await client.post(url, json={"query": _LOGIN, "variables": variables})).json()
            payload = (answer.get("data") or {}).get("userLogin") or {"errors": [{"code": str(answer)[:80]}]}
            outcomes.append(payload["errors"][0]["code"] if payload["errors"] else "OK")

        spent, _ = await asyncio.gather(_browse(url, seconds), _paced(50, seconds, once))
    return spent, outcomes


async def _paced(rate: int, seconds: float, once: Callable[[int], Any]) -> None:
    """Begin work `rate` times a second, whether or not earlier work is done."""
    begun, tasks = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(once(number)))
    await asyncio.gather(*tasks)


def _log_in(url: str, email: str) -> dict[str, Any]:
    payload = graphql(url, _LOGIN, {"email": email, "password": _PASSWORD})["data"]["userLogin"]
    if payload["errors"]:
        raise RuntimeError(f"{email}: {payload['errors']}")
    return dict(payload)


def _refresh(url: str, token: str) -> dict[str, Any]:
    return dict(graphql(url, _REFRESH, {"t": token})["data"]["tokenRefresh"])


async def _refresh_at_once(url: str, token: str, times: int) -> list[dict[str, Any]]:
    body = {"query": _REFRESH, "variables": {"t": token}}
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=times)) as client:
        answers = await asyncio.gather(*(client.post(url, json=body) for _ in range(times)))
    return [answer.json()["data"]["tokenRefresh"] for answer in answers]


def _kids(url: str) -> list[str]:
    answer = httpx.get(url.replace("/graphql", "/.well-known/jwks.json"))
    return [key["kid"] for key in answer.json()["keys"]]


def _demo_address(url: str, number: int) -> str:
    if not _ADDRESSES:
        token = graphql(url, _LOGIN, {"email": "admin@example.com", "password": _PASSWORD})
        bearer = token["data"]["userLogin"]["accessToken"]
        page = graphql(url, "{ users(last: 100) { nodes { email roles } } }", token=bearer)["data"]["users"]["nodes"]
        _ADDRESSES.extend(each["email"] for each in page if each["roles"] == ["CUSTOMER"])
    return _ADDRESSES[number % len(_ADDRESSES)]


_ADDRESSES: list[str] = []


def _spent(url: str, email: str) -> float:
    begun = time.perf_counter()
    graphql(url, _LOGIN, {"email": email, "password": "not the password"})
    return time.perf_counter() - begun


def _p99(spent: list[float]) -> float:
    return sorted(spent)[math.ceil(0.99 * len(spent)) - 1]


def _mann_whitney(first: list[float], second: list[float]) -> float:
    """How likely two samples of one distribution differ as much as these (normal approximation, two-sided)."""
    n, m = len(first), len(second)
    wins = sum((a > b) + 0.5 * (a == b) for a in first for b in second)
    z = (wins - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))
