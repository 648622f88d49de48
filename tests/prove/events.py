"""What events claim: every effect once and in order through kills of everything, and what they bring about.

On real RabbitMQ; then poison, notifications, webhooks and the matrix of events, in a running store beside a partner and
a mail server; then recommendations.
"""

from __future__ import annotations

import asyncio

from rich.table import Table

from tests.crash.matrix import machine
from tests.prove.claims import Prover
from tests.prove.events_analytics import prove_analytics
from tests.prove.events_partners import SUITES, prove_shop
from tests.prove.events_recommendations import prove_recommendations
from tests.prove.suites import prove_suites
from tests.soak.soak import Report, Soak

_STRIKES = ("relay", "consumer", "network", "relay", "consumer", "broker", "consumer", "database")


def prove(prover: Prover) -> None:
    """Run every claim of this area."""
    events = 5_000 if prover.quick else 200_000
    with prover.part(f"{events:,} events in peace, and while everything is killed"):
        peace, war = _soak(events, ()), _soak(events, _STRIKES)
        prover.console.print(_table(peace, war))
        prover.equal("anomalies of the soak in peace", peace.anomalies, [])
        prover.equal("anomalies of the soak under fire", war.anomalies, [])
        struck = set(war.struck)
        prover.check("what was struck", war.struck, "each at least once", struck == set(_STRIKES))
    with prover.part("poison, notifications, webhooks, matrix: their suites"):
        prove_suites(prover, SUITES)
    with prover.part("a store with a partner and a mail server"):
        prove_shop(prover)
    prove_recommendations(prover)
    prove_analytics(prover)


def _soak(events: int, strikes: tuple[str, ...]) -> Report:
    with machine() as made:
        return asyncio.run(Soak(made, events, seed=7, strikes=strikes).run())


def _table(*reports: Report) -> Table:
    table = Table("struck", "events", "readers", "seconds", "effects/s", "lag p50 s", "lag p99 s", "peak MB a process")
    for report in reports:
        lags = sorted(report.lags)
        table.add_row(
            ", ".join(f"{name} {count}" for name, count in report.struck.items()) or "nothing",
            f"{report.events:,}",
            "2",
            f"{report.seconds:.0f}",
            f"{2 * report.events / report.seconds:.0f}",
            f"{lags[len(lags) // 2]:.2f}" if lags else "",
            f"{report.lag_p99:.2f}",
            f"{report.memory:.0f}",
        )
    return table
