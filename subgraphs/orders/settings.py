"""Settings of orders."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings


class OrdersSettings(SubgraphSettings):
    """What can be set for orders, as `STOREGRAPH_ORDERS_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_ORDERS_")

    reservation_seconds: int = 900
    """For how long a checkout holds its stock."""

    saga_lease: float = 20.0
    """Seconds after which a saga whose runner fell silent is taken up by another."""

    saga_every: float = 1.0
    """Seconds between two looks for sagas that are due."""

    saga_retry: float = 1.0
    """Seconds until a step with an unknown outcome is first asked again; doubles each time."""

    saga_retry_longest: float = 60.0
    """Seconds between two tries at most."""

    completions_at_once: int = 24
    """How many checkouts a process completes at once; the others wait for their turn."""

    seller: str = "Storegraph"
    """Who sells, as invoices say it; one line with name, address and tax number."""

    cart_abandoned_after: float = 4 * 3600.0
    """Seconds after which a cart that nobody touched is told of as abandoned, where an address is known."""

    cart_kept_days: float = 90.0
    """Days after which a cart that nobody touched and that became no order is deleted."""

    tax_rates: Path | None = None
    """A CSV file of tax rates in place of the one that comes with the shop; its columns are those of that."""

    tax_classes_every: float = 30.0
    """Seconds between two looks at which articles are taxed otherwise, since another process may have been told."""

    cart_care_every: float = 60.0
    """Seconds between two looks for carts that nobody touches."""
