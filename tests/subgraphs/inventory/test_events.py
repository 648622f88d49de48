"""Stock hears of the catalogue and of orders through the delivery that the shop really uses."""

import pytest

from kernel.calls import InProcessCalls
from kernel.database import Database
from kernel.events.catalogue import OrderShipped, StockLine
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.outbox import record
from kernel.identity import ANONYMOUS, Caller
from kernel.money import Money
from kernel.settings import Settings
from kernel.subgraph import Parts
from subgraphs.inventory.app import build
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.warehouses import create_warehouse
from subgraphs.products.app import make_service
from subgraphs.products.service import ImportedProduct, ImportedVariant, import_product

TEE = ImportedProduct(
    slug="tee", name="Tee", type_name="Top", variants=[ImportedVariant(sku="TEE-S", prices=[Money(2000, "EUR")])]
)


@pytest.fixture
async def shop(make_database, clock):
    """Catalogue and stock of one shop, and what carries events between them."""
    url = await make_database("products", "inventory", "shipping")
    async with (
        Database(url, schema="products") as products,
        Database(url, schema="inventory") as inventory,
        Database(url, schema="shipping") as shipping,
    ):
        settings = Settings.load()
        subgraph = build(settings, Parts(database=inventory, calls=InProcessCalls("inventory", {}), clock=clock))
        catalogue = make_service(settings, Parts(database=products, calls=InProcessCalls("products", {}), clock=clock))
        delivery = EmbeddedDelivery([Room(products, ()), subgraph.room, Room(shipping, ())])
        yield subgraph, catalogue, shipping, delivery


async def available(subgraph, product_id):
    result = await subgraph.executor.execute(
        """query ($id: ID!) { _entities(representations: [{__typename: "Product", id: $id}]) {
            ... on Product { availability { quantityAvailable } } } }""",
        {"id": product_id},
        caller=ANONYMOUS,
    )
    return result.data["_entities"][0]["availability"]["quantityAvailable"]


async def test_an_imported_product_is_available_once_it_is_stocked_and_less_when_shipped(shop, clock):
    subgraph, catalogue, shipping, delivery = shop
    stock = InventoryService(subgraph.database, clock)
    warehouse = await create_warehouse(subgraph.database, "BER", "Berlin", "DE", 0)
    product = await import_product(catalogue, TEE)
    await stock.receive("TEE-S", warehouse.id, 5, reference="DN-1", key="k1")
    assert await available(subgraph, product.product_id) == 0
    await delivery.drain()
    assert await available(subgraph, product.product_id) == 5

    held = await stock.reserve("chk_1", [Wish("TEE-S", 2)], 60, "k2")
    await stock.allocate(held.id, "ord_1", "k3")
    async with shipping.transaction() as session:
        left = OrderShipped(
            order_id="ord_1",
            shipment_id="shp_1",
            carrier="sandbox",
            tracking_number="T1",
            lines=(StockLine(sku="TEE-S", quantity=2, warehouse_id=warehouse.id),),
            customer_id=None,
            email="ada@example.com",
            shipped_at=clock.now().isoformat(),
        )
        await record(session, left, subject="ord_1")
    await delivery.drain()
    levels = await subgraph.executor.execute(
        "{ stockLevels { nodes { onHand allocated } } }", caller=Caller(id="usr_staff", kind="staff")
    )
    assert levels.data["stockLevels"]["nodes"] == [{"onHand": 3, "allocated": 0}]
    assert await stock.verify() == []
