"""A purchase and a change of the catalogue through the REST API of a running store."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
from openapi_spec_validator import OpenAPIV31SpecValidator

PASSWORD = "storegraph-demo"


def walk(url: str) -> None:
    """Walk the journey; an assertion tells where it ends."""
    with httpx.Client(base_url=url.removesuffix("/graphql"), timeout=30) as shop:
        _buy(shop)
        _change_the_catalogue(shop)
        OpenAPIV31SpecValidator(shop.get("/openapi.json").json()).validate()
        assert "/products/search" in shop.get("/docs").text


def _buy(shop: httpx.Client) -> None:
    found = shop.get("/products/search", params={"q": "lamp", "category": "lighting", "price_range": "1..500"}).json()
    product = shop.get(f"/products/{found['items'][0]['id']}").json()
    neighbours = shop.get(f"/categories/{product['category']['id']}/products", params={"limit": 100}).json()
    assert product["id"] in {each["id"] for each in neighbours["items"]}
    sku = next(each["sku"] for each in product["variants"] if each["availability"]["inStock"])

    created = shop.post("/carts", json={"currency": "EUR"})
    cart = created.headers["location"]
    assert (created.status_code, cart) == (201, f"/carts/{created.json()['id']}")
    assert shop.post(f"{cart}/lines", json={"lines": [{"sku": sku, "quantity": 2}]}).json()["quantity"] == 2
    assert shop.put(f"{cart}/lines/{sku}", json={"quantity": 1}).json()["quantity"] == 1

    begun = shop.post("/checkouts", json={"cartId": created.json()["id"], "email": "rest@example.org"})
    checkout = begun.headers["location"]
    address = {"name": "A", "line1": "Street 1", "city": "Wien", "postalCode": "1010", "country": "AT"}
    methods = shop.put(f"{checkout}/shipping-address", json=address).json()["availableShippingMethods"]
    chosen = shop.put(f"{checkout}/shipping-method", json={"methodId": methods[0]["method"]["id"]}).json()
    payment: dict[str, Any] = {"checkoutId": begun.json()["id"], "paymentToken": "tok_approve"}
    key = {"Idempotency-Key": f"rest-{chosen['id']}"}

    wrong = shop.post("/orders", json={**payment, "expectedTotal": {"amount": "0.01", "currency": "EUR"}}, headers=key)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "PRICE_CHANGED")
    right = {**payment, "expectedTotal": chosen["total"]["gross"]}
    placed = shop.post("/orders", json=right, headers={"Idempotency-Key": f"rest-2-{chosen['id']}"})
    assert placed.status_code == 201, placed.text
    order = shop.get(placed.headers["location"]).json()
    assert order["lines"] == [{**order["lines"][0], "sku": sku, "quantity": 1}]
    assert shop.get("/orders").status_code == 401


def _change_the_catalogue(shop: httpx.Client) -> None:
    kind = shop.post("/graphql", json={"query": "{ productTypes(first: 1) { nodes { id } } }"}).json()
    draft = {"name": f"Lamp {uuid4()}", "productTypeId": kind["data"]["productTypes"]["nodes"][0]["id"]}
    customer, admin = _signed_in(shop, "customer"), _signed_in(shop, "admin")
    refused = [shop.post("/products", json=draft, headers=headers).status_code for headers in ({}, customer)]
    assert refused == [401, 403]

    created = shop.post("/products", json=draft, headers=admin)
    assert created.status_code == 201, created.text
    path, version = created.headers["location"], {"If-Match": str(created.json()["version"])}
    assert shop.put(path, json={"name": "Better"}, headers=admin | version).json()["name"] == "Better"
    assert shop.put(path, json={"name": "Stale"}, headers=admin | version).status_code == 412
    assert shop.get("/orders", headers=customer).json()["items"]


def _signed_in(shop: httpx.Client, name: str) -> dict[str, str]:
    session = shop.post("/sessions", json={"email": f"{name}@example.com", "password": PASSWORD})
    return {"authorization": f"Bearer {session.json()['accessToken']}"}
