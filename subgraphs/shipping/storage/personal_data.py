"""What shipping keeps about a person: shipments stay, without whom and where they went to."""

from __future__ import annotations

from typing import Final

from kernel.personal_data import PersonalData

PERSONAL_DATA: Final = PersonalData(
    collect={
        "shipments": """
            SELECT id, order_id, email, address, status, tracking_number FROM shipments WHERE customer_id = :user_id
        """,
    },
    erase={
        "shipments": """
            UPDATE shipments SET email = '', address =
            jsonb_build_object('name', '', 'line1', '', 'line2', '', 'city', '', 'region', '', 'postal_code', '',
            'country', COALESCE(address ->> 'country', ''), 'phone', NULL)
            WHERE customer_id = :user_id
        """,
    },
    take_over={
        "shipments": "UPDATE shipments SET customer_id = :user_id WHERE customer_id IS NULL AND lower(email) = :email",
    },
)
