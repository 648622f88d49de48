"""What is kept about a person here: who bought and viewed what; the counts over all people stay."""

from __future__ import annotations

from typing import Final

from kernel.personal_data import PersonalData

PERSONAL_DATA: Final = PersonalData(
    collect={
        "purchases": "SELECT product_id, orders, last_bought_at FROM purchases WHERE customer_id = :user_id",
        "views": "SELECT product_id, views, last_viewed_at FROM views WHERE viewer = :user_id",
    },
    erase={
        "purchases": "DELETE FROM purchases WHERE customer_id = :user_id",
        "views": "DELETE FROM views WHERE viewer = :user_id",
    },
)
