"""A small sale that tests share: five subgraphs, two products in two warehouses, and what a buyer sends."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from kernel.database import plain_url
from kernel.identity import Caller
from subgraphs.inventory import app as inventory
from subgraphs.inventory.domain.stock import MovementType
from subgraphs.inventory.storage import bulk as inventory_bulk
from subgraphs.orders import app as orders
from subgraphs.payments import app as payments
from subgraphs.products import app as products
from subgraphs.products.storage import bulk as products_bulk
from subgraphs.shipping import app as shipping

APPS = {
    "products": products,
    "inventory": inventory,
    "orders": orders,
    "payments": payments,
    "shipping": shipping,
}
BUYER = Caller(id="usr_1", kind="customer", email="ada@example.com")

ADDRESS = {"name": "Ada", "line1": "Weg 1", "city": "Berlin", "postalCode": "10115", "country": "DE"}
ADD = """mutation ($id: ID!, $lines: [CartLineInput!]!) {
  cartLinesAdd(id: $id, lines: $lines) { cart { id quantity subtotal { amount } } errors { code message } } }"""
CHECKOUT = """mutation ($cart: ID!) { checkoutCreate(cartId: $cart) {
  checkout { id reservation { expiresAt } } errors { __typename code
    ... on InsufficientStockError { sku requested available } } } }"""
ADDRESS_SET = """mutation ($id: ID!, $address: ShippingAddressInput!) {
  checkoutShippingAddressSet(id: $id, address: $address) {
    checkout { availableShippingMethods { method { id } price { amount } } } errors { code } } }"""
METHOD_SET = """mutation ($id: ID!) {
  checkoutShippingMethodSet(id: $id, methodId: "shm_standard") {
    checkout { total { gross { amount currency } } } errors { code } } }"""
COMPLETE = """mutation ($id: ID!, $total: MoneyInput!, $token: String!, $key: String!) {
  checkoutComplete(id: $id, idempotencyKey: $key, input: { expectedTotal: $total, paymentToken: $token }) {
    order { id number status total { gross { amount currency } } }
    errors { __typename code message ... on PaymentDeclinedError { declineCode retryable }
      ... on PriceChangedError { expected { amount } actual { amount } } } } }"""
CANCEL = "mutation ($id: ID!) { orderCancel(id: $id) { order { id status } errors { code message } } }"


async def load_stock(url: str, now: datetime, pieces: int = 10) -> None:
    """Load two products, so many pieces of each: one in the first warehouse, one in the second."""
    connection = await asyncpg.connect(plain_url(url))
    try:
        kind = products_bulk.ProductTypeRow(id="ptype_1", slug="thing", name="Thing")
        skus = {"SKU-A": 1999, "SKU-B": 500}
        await products_bulk.copy(
            connection,
            product_types=[kind],
            products=[
                products_bulk.ProductRow(id=f"prod_{s}", slug=s.lower(), name=s, type_id="ptype_1", created_at=now)
                for s in skus
            ],
            variants=[
                products_bulk.VariantRow(id=f"var_{s}", product_id=f"prod_{s}", sku=s, name="", weight_grams=100)
                for s in skus
            ],
            prices=[products_bulk.PriceRow(variant_id=f"var_{s}", currency="EUR", minor=m) for s, m in skus.items()],
        )
        places = ("wh_1", "wh_2")
        await inventory_bulk.copy(
            connection,
            warehouses=[inventory_bulk.WarehouseRow(id=w, code=w, name=w, country="DE") for w in places],
            skus=[inventory_bulk.SkuRow(sku=s, product_id=f"prod_{s}", variant_id=f"var_{s}") for s in skus],
            movements=[
                inventory_bulk.MovementRow(
                    sku=sku, warehouse_id=place, type=MovementType.RECEIVED, quantity=pieces, occurred_at=now
                )
                for sku, place in zip(skus, places, strict=True)
            ],
        )
    finally:
        await connection.close()
