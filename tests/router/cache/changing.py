"""Random changes to the small shop, each with what a cache is told of it."""

from __future__ import annotations

import random

from router.cache.tags import Change
from tests.router.cache.shop import Shop

READS = [
    "{ product(id: 1) { id name price score } }",
    "{ products(first: 3) { id name score } }",
    "{ me { id name likes { id name mine score } } }",
    "{ products { id mine } now }",
]


def change_something(shop: Shop, chance: random.Random, step: int) -> Change:
    """Change something."""
    number = str(chance.randrange(8))
    kind = chance.choice(["name", "score", "mine", "likes", "gone"])
    if kind == "gone":
        if number in shop.products:
            del shop.products[number]
        else:
            shop.products[number] = {"name": "back", "price": 1, "score": 0}
        return Change(("products", "users"), "Product", {"id": number})
    if kind == "likes":
        person = chance.choice(["ann", "bob"])
        shop.users[person]["likes"] = number
        return Change(("users",), "User", {"id": person})
    if kind == "mine":
        shop.users[chance.choice(["ann", "bob"])]["mine"][number] = step
        return Change(("users",), "Product", {"id": number})
    if number in shop.products:
        shop.products[number][kind] = step
    return Change(("users",) if kind == "score" else ("products",), "Product", {"id": number})
