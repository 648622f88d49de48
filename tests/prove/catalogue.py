"""What the catalogue claims: its model, prices, files and documents, what it refuses, who edits at once, and its size.

`make prove AREA=catalogue PRODUCTS=20000` takes another number of products than 100,000 for the large catalogue.
"""

from __future__ import annotations

import asyncio
import os

from tests.prove.catalogue_input import prove_editing, prove_input
from tests.prove.catalogue_scale import prove_scale
from tests.prove.claims import Prover
from tests.prove.suites import prove_suites
from tests.servers import Servers

_TESTS = "tests/subgraphs/products"
SUITES = {
    "model: attributes of every kind, tree, collections by rules, brands, slugs that lead on, windows, translations": (
        f"{_TESTS}/test_model.py",
        f"{_TESTS}/test_queries.py",
        f"{_TESTS}/domain/test_products.py",
        f"{_TESTS}/domain/test_values.py",
    ),
    "changes: rights of admins and vendors, versions, events": (f"{_TESTS}/test_mutations.py",),
    "prices: never negative, in whatever order, exact to the minor unit; vouchers": (
        f"{_TESTS}/domain/test_pricing.py",
        f"{_TESTS}/test_vouchers.py",
    ),
    "pictures on the S3 protocol and in a folder; SVG, bombs and files of another kind are refused": (
        f"{_TESTS}/storage/test_media.py",
        f"{_TESTS}/test_media.py",
    ),
    "documents on the MongoDB protocol (two drivers) and JSONB; a crash between the stores at each point": (
        f"{_TESTS}/storage/test_documents.py",
        f"{_TESTS}/test_documents.py",
    ),
    "what is kept for buyers is forgotten by events, whoever is away": (f"{_TESTS}/test_caching.py",),
    "imports and exports: bad rows, workers that die, several at once": (
        f"{_TESTS}/test_transfers.py",
        f"{_TESTS}/domain/test_transfers.py",
    ),
}


def prove(prover: Prover) -> None:
    """Run every claim of this area."""
    with prover.part("suites, on real servers"):
        prove_suites(prover, SUITES)
    servers = Servers()
    try:
        postgres = servers.postgres()
        with prover.part("what is refused"):
            asyncio.run(prove_input(prover, postgres))
        with prover.part("many who edit at once, and what is told of it"):
            asyncio.run(prove_editing(prover, postgres))
        products = int(os.environ.get("PRODUCTS") or (2_000 if prover.quick else 100_000))
        with prover.part(f"{products:,} products with {4 * products:,} variants"):
            asyncio.run(prove_scale(prover, servers, postgres, products))
    finally:
        servers.stop()
