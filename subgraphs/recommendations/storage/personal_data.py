"""What is kept about a person here: who bought and viewed what; the counts over all people stay.

Analytics gets a new name without meaning, so that how many buyers and visitors there were, and their cohorts, stay.
"""

from __future__ import annotations

from typing import Final

from kernel.personal_data import PersonalData

PERSONAL_DATA: Final = PersonalData(
    collect={
        "purchases": "SELECT product_id, orders, last_bought_at FROM purchases WHERE customer_id = :user_id",
        "views": "SELECT product_id, views, last_viewed_at FROM views WHERE viewer = :user_id",
        "known_guests": "SELECT guest, known_at FROM known_guests WHERE customer_id = :user_id",
        "sales": "SELECT order_id, currency, total_minor, confirmed_at FROM sales WHERE buyer = :user_id",
        "product_views": "SELECT product_id, searched, viewed_at FROM product_views WHERE visitor = :user_id",
    },
    erase={
        "purchases": "DELETE FROM purchases WHERE customer_id = :user_id",
        "views": "DELETE FROM views WHERE viewer = :user_id",
        "known_guests": "DELETE FROM known_guests WHERE customer_id = :user_id",
        "picks": "DELETE FROM picks WHERE person = :user_id",
        "sales": """
            UPDATE sales SET buyer = nobody.id FROM (SELECT 'gone_' || gen_random_uuid() AS id) AS nobody
            WHERE buyer = :user_id""",
        "product_views": """
            UPDATE product_views SET visitor = nobody.id FROM (SELECT 'gone_' || gen_random_uuid() AS id) AS nobody
            WHERE visitor = :user_id""",
    },
)
