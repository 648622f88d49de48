"""Demand forecasts beside those of statsforecast, on the demo history: errors, and time for all SKUs.

statsforecast is not installed with the project (with what it needs it weighs 443 MB). Where it can be imported its
methods are judged too, at the same origins, on every n-th SKU; else only ours are.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from runtime.demo_data.world import SEED, make_world
from subgraphs.inventory.domain.forecasting import Series
from subgraphs.inventory.domain.forecasting.accuracy import mase_scale, rmsse_scale, root_mean_squared_error
from subgraphs.inventory.domain.forecasting.backtest import OURS, Plan, Score, backtest
from subgraphs.inventory.domain.forecasting.series import WEEK, monday
from subgraphs.inventory.domain.forecasting.summary import METHODS, SEASONAL_NAIVE

NOW = datetime(2026, 11, 23, tzinfo=UTC)
Method = Callable[[Sequence[int], int], Sequence[float]]


def main() -> int:
    """Judge and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=4, help="judge statsforecast on every n-th SKU")
    options = parser.parse_args()
    groups = demo_groups(NOW)
    plan = Plan()
    began = time.process_time()
    scores = list(backtest(groups, plan))
    print(f"{len(scores)} SKUs, {plan.count} origins: {time.process_time() - began:.1f} s of CPU for all of ours\n")
    print("| method | MASE | RMSSE | MASE of the sum | better than seasonal naive |\n| --- | --- | --- | --- | --- |")
    chosen = scores[:: options.every]
    for method in METHODS:
        _print(method, [(each.mase[method], each.rmsse[method], each.total_mase[method]) for each in chosen], chosen)
    series = {each.sku: each for group in groups.values() for each in group}
    for name, method in _library().items():
        _print(name, [_judge(series[each.sku], method, plan) for each in chosen], chosen)
    return 0


def demo_groups(now: datetime) -> Mapping[str, Sequence[Series]]:
    """Make the weekly series of the demo shop: its orders, and what its stores sold."""
    world = make_world(now, SEED)
    sold: defaultdict[str, defaultdict[date, int]] = defaultdict(lambda: defaultdict(int))
    for row in world.sold_elsewhere:
        sold[row.sku][row.week] += row.quantity
    for order in world.orders:
        for line in order.lines:
            sold[line.variant.sku][monday(order.placed_at.date())] += line.quantity
    end = monday(now.date())
    groups: dict[str, list[Series]] = defaultdict(list)
    for item in world.catalogue.items:
        for variant in item.variants:
            first = min([monday(item.launched_at.date()), *sold[variant.sku]])
            groups[item.shelf.name].append(Series.of(variant.sku, sold[variant.sku], first=first, end=end))
    return groups


def _judge(series: Series, method: Method, plan: Plan) -> tuple[float, float, float]:
    forecasts: list[float] = []
    actual: list[float] = []
    totals: list[float] = []
    origins = plan.origins(series.end)
    for origin in origins:
        begin = (origin - series.first) // WEEK
        made = [max(float(each), 0.0) for each in method(series.values[:begin], plan.horizon)]
        came = series.values[begin : begin + plan.horizon]
        forecasts += made
        actual += came
        totals.append(abs(sum(made) - sum(came)))
    history = series.until(origins[0]).values
    absolute = sum(abs(f - a) for f, a in zip(forecasts, actual, strict=True)) / len(actual) / mase_scale(history)
    squared = root_mean_squared_error(forecasts, actual) / rmsse_scale(history)
    return absolute, squared, sum(totals) / len(totals) / mase_scale(history) / plan.horizon


def _library() -> Mapping[str, Method]:
    if importlib.util.find_spec("statsforecast") is None:
        return {}
    numpy = importlib.import_module("numpy")
    models = importlib.import_module("statsforecast.models")
    made: dict[str, Any] = {
        "statsforecast AutoETS": models.AutoETS(season_length=1),
        "statsforecast MSTL(52)": models.MSTL(season_length=52, trend_forecaster=models.AutoETS(model="ZZN")),
        "statsforecast CrostonSBA": models.CrostonSBA(),
        "statsforecast TSB(0.1)": models.TSB(alpha_d=0.1, alpha_p=0.1),
        "statsforecast ADIDA": models.ADIDA(),
        "statsforecast IMAPA": models.IMAPA(),
    }

    def asked(model: Any) -> Method:
        return lambda history, horizon: model.forecast(y=numpy.array(history, dtype=float), h=horizon)["mean"]

    return {name: asked(model) for name, model in made.items()}


def _print(name: str, errors: Sequence[tuple[float, float, float]], scores: Sequence[Score]) -> None:
    means = [sum(column) / len(errors) for column in zip(*errors, strict=True)]
    better = sum(each[0] < score.mase[SEASONAL_NAIVE] for each, score in zip(errors, scores, strict=True)) / len(errors)
    label = "**ours**" if name == OURS else name
    print(f"| {label} | " + " | ".join(f"{mean:.3f}" for mean in means) + f" | {better:.1%} |", flush=True)
