"""What orders keeps about a person, for that person and for its end; what the books need stays, without a name."""

from __future__ import annotations

from typing import Final

from kernel.personal_data import PersonalData

PERSONAL_DATA: Final = PersonalData(
    collect={
        "orders": """
            SELECT number, email, status, total_minor, currency, address, placed_at FROM orders
            WHERE customer_id = :user_id
        """,
        "order_lines": """
            SELECT l.order_id, l.sku, l.name, l.quantity, l.unit_price_minor
            FROM order_lines AS l JOIN orders AS o ON o.id = l.order_id WHERE o.customer_id = :user_id
        """,
        "returns": """
            SELECT r.order_id, r.status, r.reason, r.answer, r.created_at
            FROM returns AS r JOIN orders AS o ON o.id = r.order_id WHERE o.customer_id = :user_id
        """,
        "carts": """
            SELECT c.id, c.created_at, l.sku, l.name, l.quantity
            FROM carts AS c LEFT JOIN cart_lines AS l ON l.cart_id = c.id WHERE c.customer_id = :user_id
        """,
        "checkouts": "SELECT id, email, address, status, created_at FROM checkouts WHERE customer_id = :user_id",
    },
    erase={
        "checkouts without an order": "DELETE FROM checkouts WHERE customer_id = :user_id AND order_id IS NULL",
        "carts": """
            DELETE FROM carts WHERE customer_id = :user_id
            AND NOT EXISTS (SELECT FROM checkouts WHERE checkouts.cart_id = carts.id)
        """,
        "checkouts": "UPDATE checkouts SET email = '', address = NULL WHERE customer_id = :user_id",
        "sagas": """
            UPDATE sagas SET data = data - ARRAY['email', 'address', 'shipping_address', 'name', 'payment_token']
            WHERE order_id IN (SELECT id FROM orders WHERE customer_id = :user_id)
        """,
        "returns": """
            UPDATE returns SET reason = '', answer = '', label_url = NULL
            WHERE order_id IN (SELECT id FROM orders WHERE customer_id = :user_id)
        """,
        "orders": """
            UPDATE orders SET email = '', address =
            jsonb_build_object('name', '', 'line1', '', 'line2', '', 'city', '', 'region', '', 'postal_code', '',
            'country', COALESCE(address ->> 'country', ''), 'phone', NULL)
            WHERE customer_id = :user_id
        """,
    },
    take_over={
        "carts": """
            UPDATE carts SET customer_id = :user_id WHERE customer_id IS NULL AND id IN
                (SELECT cart_id FROM checkouts WHERE customer_id IS NULL AND lower(email) = :email)
        """,
        "checkouts": "UPDATE checkouts SET customer_id = :user_id WHERE customer_id IS NULL AND lower(email) = :email",
        "orders": "UPDATE orders SET customer_id = :user_id WHERE customer_id IS NULL AND lower(email) = :email",
    },
)
