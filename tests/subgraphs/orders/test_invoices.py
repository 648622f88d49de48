"""Invoices: numbers without gaps, pages that hold what was sold, none for what was not paid."""

import asyncio
from base64 import b64decode
from functools import partial
from io import BytesIO

import pytest
from pypdf import PdfReader

from kernel.graphql.execution import Executor
from subgraphs.orders.api.context import make_context
from subgraphs.orders.api.schema import make_schema
from subgraphs.orders.domain.errors import NoInvoiceError


def words_of(pdf):
    return " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


async def test_an_invoice_tells_what_was_sold_to_whom(world):
    order = await world.complete(await world.checkout())
    invoices = world.service.invoices
    invoice = await invoices.of_order(order)
    words = words_of(await invoices.pdf(invoice))
    for told in ("INV-000001", order.number, "Ada Lovelace", "Berlin", "SKU-A", "19.99", "49.88 EUR", "standard"):
        assert told in words
    assert f"{order.total.tax.amount}" in words


async def test_a_page_is_the_same_each_time(world):
    order = await world.complete(await world.checkout())
    invoices = world.service.invoices
    first, second = [await invoices.pdf(await invoices.of_order(order)) for _ in range(2)]
    assert first == second


async def test_numbers_have_no_gaps_and_an_order_keeps_its_own(world):
    orders = [await world.complete(await world.checkout([("SKU-A", 1)]), key=f"k{at}") for at in range(4)]
    numbered = await asyncio.gather(*(world.service.invoices.of_order(order) for order in orders * 3))
    assert {invoice.number for invoice in numbered} == {1, 2, 3, 4}
    assert len({(invoice.order.id, invoice.number) for invoice in numbered}) == 4


async def test_what_was_not_paid_has_no_invoice(world):
    order = await world.complete(await world.checkout(), token="tok_pending")
    with pytest.raises(NoInvoiceError):
        await world.service.invoices.of_order(order)


async def test_a_name_that_looks_like_markup_is_a_name(world):
    order = await world.complete(await world.checkout())
    invoice = await world.service.invoices.of_order(order)
    object.__setattr__(invoice.order.address, "name", "<b>Ada & Söhne</b>")
    assert "<b>Ada & Söhne</b>" in words_of(await world.service.invoices.pdf(invoice))


async def test_its_owner_finds_it_at_the_order(world):
    order = await world.complete(await world.checkout())
    executor = Executor("orders", make_schema(), partial(make_context, world.service))
    document = "query ($id: ID!) { order(id: $id) { invoice { number pdf } } }"
    shown = (await executor.execute(document, {"id": order.id}, caller=world.buyer)).data["order"]["invoice"]
    assert shown["number"] == "INV-000001"
    assert b64decode(shown["pdf"]).startswith(b"%PDF")
