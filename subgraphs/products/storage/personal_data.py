"""What the catalogue keeps about a person: the vouchers they used, under a hash of who they are, and their uploads."""

from __future__ import annotations

from typing import Final

from kernel.personal_data import PersonalData

PERSONAL_DATA: Final = PersonalData(
    collect={
        "vouchers": """
            SELECT code, order_id, used_at
            FROM voucher_uses WHERE buyer = encode(sha256(convert_to(:user_id, 'UTF8')), 'hex')
        """,
        "transfers": "SELECT id, kind, format, created_at FROM transfers WHERE owner_id = :user_id",
        "uploads": "SELECT id, file_name, media_type, size, created_at FROM assets WHERE owner_id = :user_id",
    },
    erase={
        "vouchers": """
            UPDATE voucher_uses SET buyer = '' WHERE buyer = encode(sha256(convert_to(:user_id, 'UTF8')), 'hex')
        """,
        "transfers": "UPDATE transfers SET owner_id = '' WHERE owner_id = :user_id",
        "uploads": "UPDATE assets SET owner_id = '', file_name = '' WHERE owner_id = :user_id",
    },
    take_over={
        "vouchers": """
            UPDATE voucher_uses SET buyer = encode(sha256(convert_to(:user_id, 'UTF8')), 'hex')
            WHERE buyer = encode(sha256(convert_to(:email, 'UTF8')), 'hex')
        """,
    },
)
