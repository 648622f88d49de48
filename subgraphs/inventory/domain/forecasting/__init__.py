"""How much of each SKU will be wanted: pooled seasons, a level for each SKU, and how sure one can be.

The grain is a week. What the weeks of the year do is learnt from all SKUs of a group together, because one SKU sells
too little to show it; its own history says how much it sells beside its group. Pure functions over numbers, without
a clock or a database, so that a backtest runs the very code that the shop runs.
"""

from subgraphs.inventory.domain.forecasting.forecaster import Forecast, forecast_group
from subgraphs.inventory.domain.forecasting.series import Series

__all__ = ["Forecast", "Series", "forecast_group"]
