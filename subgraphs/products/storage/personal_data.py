"""What the catalogue keeps about a person: which vouchers they have used, under a hash of who they are."""

from __future__ import annotations

from typing import Final

from kernel.personal_data import PersonalData

PERSONAL_DATA: Final = PersonalData(
    collect={
        "vouchers": """
            SELECT code, order_id, used_at
            FROM voucher_uses WHERE buyer = encode(sha256(convert_to(:user_id, 'UTF8')), 'hex')
        """,
    },
    erase={
        "vouchers": """
            UPDATE voucher_uses SET buyer = '' WHERE buyer = encode(sha256(convert_to(:user_id, 'UTF8')), 'hex')
        """,
    },
    take_over={
        "vouchers": """
            UPDATE voucher_uses SET buyer = encode(sha256(convert_to(:user_id, 'UTF8')), 'hex')
            WHERE buyer = encode(sha256(convert_to(:email, 'UTF8')), 'hex')
        """,
    },
)
