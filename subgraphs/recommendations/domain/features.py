"""What a product is like, as words that can be compared: its category, brand, tags, attributes and name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kernel.events.catalogue import ProductCreated, ProductUpdated

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_MOST: Final = 60


def features_of(product: ProductCreated | ProductUpdated) -> list[str]:
    """Name the features of a product, each once; how much each tells is decided by how rare it is."""
    return list(dict.fromkeys(_features(product)))[:_MOST]


def _features(product: ProductCreated | ProductUpdated) -> Iterator[str]:
    if product.category_id:
        yield f"category:{product.category_id}"
    if product.brand:
        yield f"brand:{product.brand.lower()}"
    for name, values in product.attributes.items():
        yield from (f"{name}:{value.lower()}" for value in values)
    yield from (f"word:{word}" for word in _WORD.findall(product.name.lower()))
    yield from (f"tag:{tag.lower()}" for tag in product.tags)
