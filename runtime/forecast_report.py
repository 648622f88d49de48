"""A backtest as one HTML file that needs nothing else: its tables, and a plot for each SKU."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from html import escape
from typing import Final

from subgraphs.inventory.domain.forecasting.backtest import OURS, Score
from subgraphs.inventory.domain.forecasting.series import WEEK
from subgraphs.inventory.domain.forecasting.summary import METHODS, SEASONAL_NAIVE, Summary

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 460, 150, 34, 8, 20
_SHOWN_HISTORY: Final = 78
"""Weeks before the first origin that a plot shows: a year and a half, so that a season can be seen twice."""

_STYLE: Final = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1480px;padding:0 1rem;color:#1c2733}
table{border-collapse:collapse;margin:1rem 0}
td,th{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #dde3ea}
td:first-child,th:first-child{text-align:left}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(460px,1fr));gap:1rem}
figure{margin:0;padding:.5rem;border:1px solid #dde3ea;border-radius:6px}figcaption{font-size:12px;color:#4a5a6a}
figcaption b{color:#1c2733}text{font:10px system-ui,sans-serif;fill:#6a7886}
.past{fill:#c3ccd6}.came{fill:#35506b}.band{fill:#f2a65a;opacity:.35}.mean{fill:none;stroke:#d9691e;stroke-width:1.6}
.axis{stroke:#dde3ea}.origin{stroke:#6a7886;stroke-dasharray:3 3}
"""

Scale = Callable[[float], float]
"""Places a value on the page."""


def render(summaries: Sequence[Summary], scores: Sequence[Score], *, title: str) -> str:
    """Write the report; SKUs stand in the order of how much they sell."""
    ordered = sorted(scores, key=lambda score: (-sum(score.history[-52:]), score.sku))
    plots = "\n".join(_figure(score) for score in ordered)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1><p>{_LEGEND}</p>{_tables(summaries)}<div class=plots>\n{plots}\n</div></html>\n"
    )


_LEGEND: Final = (
    "Grey bars are what was known before the first origin, dark bars what came. The line is the mean that was forecast"
    " from the origin before it, the band holds what should come with 80 %. Errors are of all origins."
)


def _tables(summaries: Iterable[Summary]) -> str:
    heads = "".join(f"<th>{escape(method)}" for method in METHODS)
    rows = "".join(
        f"<tr><td>{escape(each.title)}<td>{each.skus}"
        + "".join(f"<td>{each.mase[method]:.3f}" for method in METHODS)
        + f"<td>{each.better[SEASONAL_NAIVE]:.1%}<td>{each.better_rmsse[SEASONAL_NAIVE]:.1%}"
        + f"<td>{each.better_total[SEASONAL_NAIVE]:.1%}<td>{each.inside:.1%}"
        for each in summaries
    )
    return (
        f"<table><tr><th>demand<th>SKUs{heads}<th>better than seasonal naive (MASE)<th>(RMSSE)<th>(sum of the horizon)"
        f"<th>inside 80 %{rows}</table>"
    )


def _figure(score: Score) -> str:
    caption = (
        f"<b>{escape(score.sku)}</b> {escape(score.pattern.value)}, {escape(score.model)}: MASE"
        f" {score.mase[OURS]:.2f}, seasonal naive {score.mase[SEASONAL_NAIVE]:.2f}, naive {score.mase['naive']:.2f}"
    )
    return f"<figure>{plot(score)}<figcaption>{caption}</figcaption></figure>"


def plot(score: Score) -> str:
    """Draw one SKU as SVG."""
    past = score.history[-_SHOWN_HISTORY:]
    begin = score.first + WEEK * (len(score.history) - len(past))
    weeks = len(past) + len(score.shown)
    highest = max(1.0, *past, *(max(came, high) for _, came, _, _, high in score.shown))
    step = (_WIDTH - _LEFT - 4) / weeks

    def x(number: float) -> float:
        return round(_LEFT + number * step, 1)

    def y(value: float) -> float:
        return round(_TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value / highest), 1)

    def bars(values: Iterable[float], start: int, kind: str) -> str:
        edges = ((x(start + number), y(value)) for number, value in enumerate(values))
        path = "".join(f"M{left} {y(0)}V{top}h{max(step - 1, 0.6):.1f}V{y(0)}z" for left, top in edges if top < y(0))
        return f'<path class="{kind}" d="{path}"/>'

    judged = [(x(len(past) + number + 0.5), *row[2:]) for number, row in enumerate(score.shown)]
    band = [f"{at},{y(high)}" for at, _, _, high in judged] + [f"{at},{y(low)}" for at, _, low, _ in reversed(judged)]
    mean = " ".join(f"{at},{y(value)}" for at, value, _, _ in judged)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg">'
        f"{_axes(begin, weeks, highest, x, y)}{bars(past, 0, 'past')}"
        f"{bars((came for _, came, *_ in score.shown), len(past), 'came')}"
        f'<polygon class="band" points="{" ".join(band)}"/><polyline class="mean" points="{mean}"/>'
        f'<path class="origin" d="M{x(len(past))} {_TOP}V{y(0)}"/></svg>'
    )


def _axes(begin: date, weeks: int, highest: float, x: Scale, y: Scale) -> str:
    quarters = [
        (number, day)
        for number in range(weeks)
        for day in [begin + WEEK * number]
        if day.day <= 7 and day.month % 3 == 1 and x(number) < _WIDTH - _LEFT
    ]
    labels = "".join(f'<text x="{x(number)}" y="{_HEIGHT - 6}">{day:%b %y}</text>' for number, day in quarters)
    lines = "".join(
        f'<path class="axis" d="M{_LEFT} {y(value)}H{_WIDTH}"/><text x="{_LEFT - 4}" y="{y(value) + 3}"'
        f' text-anchor="end">{value:g}</text>'
        for value in {0, round(highest / 2), round(highest)}
    )
    return lines + labels
