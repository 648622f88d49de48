"""Making forecasts and reorder plans, a group at a time, for as long as some are missing or a week old."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from subgraphs.inventory.domain.forecasting import Forecast, forecast_group
from subgraphs.inventory.domain.forecasting.series import Series, monday
from subgraphs.inventory.domain.replenishment import Plan, Terms, plan, split
from subgraphs.inventory.storage import demand, forecasts, reading

HORIZON: Final = 13
"""Weeks: a quarter of a year; what lies beyond is taken to be like the last of them."""

_SHARES_OF: Final = timedelta(days=365)


class Forecasting:
    """Keeps forecasts and the plans that follow from them."""

    def __init__(self, database: Database, clock: Clock, terms: Terms) -> None:
        self._database = database
        self._clock = clock
        self._terms = terms

    async def renew(self) -> int:
        """Forecast a group that lacks this week's forecast; tell how many SKUs that were.

        Two workers that take the same group write the same rows.
        """
        now = self._clock.now()
        week = monday(now.date())
        async with self._database.session() as session:
            group_id = await demand.due_group(session, week)
            if group_id is None:
                return 0
            series = await demand.group_series(session, group_id, week)
        made = await asyncio.to_thread(forecast_group, series, HORIZON)
        async with self._database.transaction() as session:
            await forecasts.keep_forecasts(session, made, now)
            await self._plan(session, made)
        return len(made)

    async def histories(self, wanted: Sequence[str] | None = None) -> Mapping[str, Sequence[Series]]:
        """Read the weekly demand of all groups, or of these, up to this week."""
        week = monday(self._clock.now().date())
        async with self._database.session() as session:
            names = await demand.groups(session) if wanted is None else wanted
            return {name: await demand.group_series(session, name, week) for name in names}

    async def set_terms(self, sku: str, terms: Terms) -> None:
        """Say how a SKU is bought, and plan it anew."""
        async with self._database.transaction() as session:
            await forecasts.set_terms(session, sku, terms)
            kept = await forecasts.forecasts_of(session, [sku])
            await self._plan(session, [each.forecast for each in kept.values()])

    async def _plan(self, session: AsyncSession, made: Sequence[Forecast]) -> None:
        now = self._clock.now()
        skus = [each.sku for each in made]
        since: date = (now - _SHARES_OF).date()
        served = await demand.shares(session, skus, since)
        terms = await forecasts.terms_of(session, skus)
        places = await reading.stocked_in(session, skus)
        plans: list[Plan] = []
        for forecast in made:
            where = places.get(forecast.sku, ())
            for warehouse_id, share in split(served.get(forecast.sku, {}), where).items():
                plans.append(plan(forecast, terms.get(forecast.sku, self._terms), warehouse_id, share))
        await forecasts.keep_plans(session, plans, now)
