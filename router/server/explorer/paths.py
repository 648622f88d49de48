"""Where the explorer's parts are."""

from typing import Final

ASSETS: Final = "/explorer/"
RUN: Final = "/explorer/run"
PLAN: Final = "/explorer/plan"
