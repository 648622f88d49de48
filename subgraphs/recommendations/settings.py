"""Settings of recommendations."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings


class RecommendationsSettings(SubgraphSettings):
    """What can be set for recommendations, as `STOREGRAPH_RECOMMENDATIONS_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_RECOMMENDATIONS_")

    train_every: float = 300.0
    """Seconds between two trainings, where anything is new."""

    guests_kept_days: float = 30.0
    """For how long it is remembered what a guest has viewed."""

    behaviour_kept_days: float = 400.0
    """For how long analytics keeps views and searches, one by one; sales are kept for ever."""

    analytics_indices: str = "storegraph-analytics"
    """How the names of the indices of analytics begin, where Elasticsearch answers."""
