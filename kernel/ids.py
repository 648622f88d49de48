"""Ids that say what they name: a type prefix and a UUIDv7, so that they sort by birth and never mix up."""

from __future__ import annotations

import re
from typing import Final

from uuid_utils import uuid7

from kernel.errors import InvalidInputError

PREFIXES: Final[dict[str, str]] = {
    "prod": "product",
    "var": "product variant",
    "cat": "category",
    "coll": "collection",
    "ptype": "product type",
    "brand": "brand",
    "file": "uploaded file",
    "promo": "promotion",
    "wh": "warehouse",
    "res": "stock reservation",
    "usr": "user",
    "adr": "address",
    "cart": "cart",
    "line": "line of a cart or order",
    "chk": "checkout",
    "ord": "order",
    "pay": "payment",
    "ref": "refund",
    "ret": "return",
    "op": "capture or void of a payment",
    "cb": "chargeback",
    "shp": "shipment",
    "shm": "shipping method",
    "zone": "shipping zone",
    "rate": "shipping rate",
    "free": "rule of free shipping",
    "lbl": "shipping label",
    "ntf": "notification",
    "whe": "webhook endpoint",
    "whd": "webhook delivery",
    "evt": "event",
    "saga": "saga",
    "job": "background job",
    "mfa": "second factor",
    "idn": "identity at a provider",
    "pm": "payment method",
    "po": "purchase order",
    "watch": "wish to hear when a SKU is back",
    "dreq": "request about personal data",
}
"""Every kind of thing that has an id."""

_BODY = re.compile(r"[0-9a-f]{32}")


def new_id(prefix: str) -> str:
    """Make an id such as `prod_0190…`; ids of one process are strictly increasing."""
    return f"{_known(prefix)}_{uuid7().hex}"


def is_id(prefix: str, text: str) -> bool:
    """Tell whether `text` has the shape of an id of this kind."""
    head, _, body = text.partition("_")
    return head == _known(prefix) and _BODY.fullmatch(body) is not None


def check_id(prefix: str, text: str) -> str:
    """Return `text` when it is an id of this kind.

    Raises:
        InvalidInputError: it is not; the message names the kind that was expected.
    """
    if not is_id(prefix, text):
        raise InvalidInputError(f"Not the id of a {PREFIXES[prefix]}.", path=("id",))
    return text


def _known(prefix: str) -> str:
    if prefix not in PREFIXES:
        raise ValueError(f"unknown id prefix {prefix!r}")
    return prefix
