"""What a backtest says of many SKUs: the mean errors of each method, and how often ours was the better one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from subgraphs.inventory.domain.forecasting.backtest import BENCHMARKS, OURS, Score
from subgraphs.inventory.domain.forecasting.series import Pattern

SEASONAL_NAIVE: Final = "seasonal naive"
METHODS: Final = (OURS, *BENCHMARKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The scores of some SKUs together; shares are of SKUs, and a tie counts for the other method."""

    title: str
    skus: int
    mase: Mapping[str, float]
    rmsse: Mapping[str, float]
    total_mase: Mapping[str, float]
    better: Mapping[str, float]
    better_rmsse: Mapping[str, float]
    better_total: Mapping[str, float]
    inside: float


def summarise(scores: Sequence[Score]) -> list[Summary]:
    """Sum up all scores, and those of each pattern of demand that occurs."""
    groups = {"all": list(scores)} | {
        pattern.value: [score for score in scores if score.pattern is pattern] for pattern in Pattern
    }
    return [_summary(title, group) for title, group in groups.items() if group]


def _summary(title: str, scores: Sequence[Score]) -> Summary:
    def mean(measure: str) -> dict[str, float]:
        return {method: sum(getattr(score, measure)[method] for score in scores) / len(scores) for method in METHODS}

    def better(measure: str) -> dict[str, float]:
        found = [getattr(score, measure) for score in scores]
        return {method: sum(each[OURS] < each[method] for each in found) / len(found) for method in BENCHMARKS}

    return Summary(
        title=title,
        skus=len(scores),
        mase=mean("mase"),
        rmsse=mean("rmsse"),
        total_mase=mean("total_mase"),
        better=better("mase"),
        better_rmsse=better("rmsse"),
        better_total=better("total_mase"),
        inside=sum(score.inside for score in scores) / len(scores),
    )
