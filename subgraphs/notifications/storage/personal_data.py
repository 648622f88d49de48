"""What notifications keeps about a person: addresses, messages, and what waits to become one."""

from __future__ import annotations

from typing import Final

from kernel.personal_data import PersonalData

PERSONAL_DATA: Final = PersonalData(
    collect={
        "customers": "SELECT email, name, language FROM customers WHERE user_id = :user_id",
        "messages": """
            SELECT channel, recipient, subject, text, created_at, read_at FROM messages WHERE user_id = :user_id
        """,
        "preferences": """
            SELECT time_zone, quiet_from, quiet_to, digest, phone FROM preferences WHERE user_id = :user_id
        """,
        "topic_choices": "SELECT topic, channel, wanted FROM topic_choices WHERE user_id = :user_id",
        "push_devices": "SELECT token, added_at FROM push_devices WHERE user_id = :user_id",
        "webhook_endpoints": """
            SELECT url, description, event_types, query, created_at FROM webhook_endpoints WHERE user_id = :user_id
        """,
    },
    erase={
        "waiting_events": """
            DELETE FROM waiting_events WHERE order_id IN (SELECT order_id FROM orders WHERE customer_id = :user_id)
            OR event #>> '{data,customer_id}' = :user_id
        """,
        "orders": "UPDATE orders SET email = '' WHERE customer_id = :user_id",
        "messages": """
            WITH erased AS (
                DELETE FROM messages WHERE user_id = :user_id
                OR recipient = (SELECT email FROM customers WHERE user_id = :user_id)
                RETURNING id
            )
            INSERT INTO forgotten_messages SELECT id FROM erased
        """,
        "customers": "DELETE FROM customers WHERE user_id = :user_id",
        "preferences": "DELETE FROM preferences WHERE user_id = :user_id",
        "topic_choices": "DELETE FROM topic_choices WHERE user_id = :user_id",
        "push_devices": "DELETE FROM push_devices WHERE user_id = :user_id",
        "webhook_deliveries": "DELETE FROM webhook_deliveries WHERE customer_id = :user_id",
        "webhook_endpoints": "DELETE FROM webhook_endpoints WHERE user_id = :user_id",
    },
    take_over={
        "orders": "UPDATE orders SET customer_id = :user_id WHERE customer_id IS NULL AND lower(email) = :email",
        "messages": "UPDATE messages SET user_id = :user_id WHERE user_id IS NULL AND lower(recipient) = :email",
    },
)
