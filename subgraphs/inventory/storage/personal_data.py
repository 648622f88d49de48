"""What inventory keeps about a person: whom to tell when something can be bought again."""

from __future__ import annotations

from typing import Final

from kernel.personal_data import PersonalData

PERSONAL_DATA: Final = PersonalData(
    collect={
        "stock_watches": "SELECT sku, email, created_at, told_at FROM stock_watches WHERE user_id = :user_id",
    },
    erase={
        "stock_watches": "DELETE FROM stock_watches WHERE user_id = :user_id",
    },
    take_over={
        "stock_watches": "UPDATE stock_watches SET user_id = :user_id WHERE user_id IS NULL AND lower(email) = :email",
    },
)
