"""What payments keeps about a person: the ledger stays, the provider's tokens go."""

from __future__ import annotations

from typing import Final

from kernel.personal_data import PersonalData

PERSONAL_DATA: Final = PersonalData(
    collect={
        "payments": """
            SELECT id, order_id, amount_minor, currency, status, token FROM payments WHERE customer_id = :user_id
        """,
    },
    erase={
        "payments": "UPDATE payments SET token = '' WHERE customer_id = :user_id",
    },
)
