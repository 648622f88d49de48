"""A store in a process of its own: `python -m tests.crash.store SCENARIO`, told what to do by JSON on standard input.

Everything is real: the subgraphs, their tables, their jobs, RabbitMQ between them. Only the calls between subgraphs
pass through `faults`, so that the process can be ended, or made to wait, at an exact moment of one of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from kernel.calls import InProcessCalls
from kernel.database import Database
from kernel.events.rabbitmq import RabbitDelivery
from kernel.graphql.execution import Executor
from kernel.identity import Caller
from kernel.jobs import JobRunner
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from tests.crash.after_sale import AFTER_SALE
from tests.crash.faults import DisturbedCalls, Fault, die_in_the_struck_call
from tests.kernel.transports import all_settled
from tests.sale import ADD, ADDRESS, ADDRESS_SET, APPS, BUYER, CHECKOUT, COMPLETE, METHOD_SET

LINES = [{"sku": "SKU-A", "quantity": 2}, {"sku": "SKU-B", "quantity": 1}]
KEY = "the-buyer-clicked-once"
_UNFINISHED = """
    SELECT (SELECT count(*) FROM orders.sagas WHERE status NOT IN ('COMPLETED', 'COMPENSATED', 'FAILED'))
         + (SELECT count(*) FROM payments.payments WHERE status = 'PENDING')
"""
_GIVE_OUT = """INSERT INTO vouchers (code, name, percent, starts_at, usage_limit)
    VALUES ('TEN', 'Ten percent', 10, '2020-01-01T00:00:00Z', 1)"""
_APPLY = """mutation ($id: ID!) { checkoutVoucherApply(id: $id, code: "TEN") {
    checkout { total { gross { amount currency } } } errors { code } } }"""
_UNPUBLISHED = "SELECT count(*) FROM {0}.outbox WHERE published_at IS NULL"


@dataclass(frozen=True, slots=True)
class Store:
    """Five subgraphs, their delivery and their jobs."""

    subgraphs: dict[str, Subgraph]
    delivery: RabbitDelivery
    jobs: JobRunner
    fault: Fault

    async def start(self) -> None:
        """Deliver events and run jobs."""
        await self.delivery.start()
        await self.jobs.start()

    async def run(
        self, document: str, *, subgraph: str = "orders", caller: Caller = BUYER, **variables: Any
    ) -> dict[str, Any]:
        """Send an operation, the buyer's to orders; give the payload of its one field, or what went wrong inside."""
        result = await self.subgraphs[subgraph].executor.execute(document, variables, caller=caller)
        if result.errors or result.data is None:
            return {"errors": [{"code": "INTERNAL", "message": str(result.errors)}]}
        (payload,) = result.data.values()
        return payload

    async def count(self, statement: str) -> int:
        """Run a statement that counts."""
        async with self.subgraphs["orders"].database.session() as session:
            return (await session.execute(text(statement))).scalar_one()

    async def at_rest(self) -> bool:
        """Whether nothing is left to do: no saga, no payment, no event, not even one on its way through the broker."""
        unpublished = [await self.count(_UNPUBLISHED.format(name)) for name in self.subgraphs]
        rooms = [subgraph.room for subgraph in self.subgraphs.values()]
        return not sum(unpublished) and not await self.count(_UNFINISHED) and await all_settled(rooms)


def build(url: str, broker: str, fault: Fault) -> Store:
    """Build the store on a database and a broker."""
    settings = Settings.load(database_url=url)
    executors: dict[str, Executor] = {}
    subgraphs: dict[str, Subgraph] = {}
    for name, app in APPS.items():
        calls = DisturbedCalls(InProcessCalls(name, executors), fault)
        subgraphs[name] = app.build(settings, Parts(database=Database(url, schema=name), calls=calls))
        executors[name] = subgraphs[name].executor
    die_in_the_struck_call([subgraph.database for subgraph in subgraphs.values()], fault)
    rooms = [subgraph.room for subgraph in subgraphs.values()]
    jobs = [job for subgraph in subgraphs.values() for job in subgraph.jobs]
    return Store(subgraphs, RabbitDelivery(rooms, url=broker, poll_every=0.5), JobRunner(jobs), fault)


async def prepare(store: Store) -> dict[str, Any]:
    """Fill a cart and go as far as the button that buys."""
    cart = (await store.run("mutation { cartCreate { cart { id } } }"))["cart"]["id"]
    await store.run(ADD, id=cart, lines=LINES)
    checkout = (await store.run(CHECKOUT, cart=cart))["checkout"]["id"]
    await store.run(ADDRESS_SET, id=checkout, address=ADDRESS)
    chosen = await store.run(METHOD_SET, id=checkout)
    return {"checkout": checkout, "total": chosen["checkout"]["total"]["gross"]}


async def complete(store: Store, sale: dict[str, Any]) -> dict[str, Any]:
    """Press the button, as often as it says that the outcome is not known yet."""
    while True:
        paid = await store.run(COMPLETE, id=sale["checkout"], total=sale["total"], token=sale["token"], key=KEY)
        codes = {error["code"] for error in paid["errors"]}
        if not codes & {"INTERNAL", "IN_PROGRESS", "SERVICE_UNAVAILABLE"}:
            return paid
        await asyncio.sleep(0.1)


async def _settled(store: Store, sale: dict[str, Any]) -> dict[str, Any]:
    """Press the button until the outcome of the payment is known, too."""
    while True:
        paid = await complete(store, sale)
        if not paid["order"] or paid["order"]["status"] != "PAYMENT":
            return paid
        await asyncio.sleep(0.1)


async def scenario(store: Store, name: str, sale: dict[str, Any]) -> dict[str, Any]:
    """Run the named scenario to its end, which the fault may not let it reach."""
    if "checkout" not in sale:
        sale = {**sale, **await prepare(store)}
        if name == "voucher":
            sale["total"] = await _with_voucher(store, sale["checkout"])
    if name == "buy-late":
        await _let_reservations_expire(store)
    print(json.dumps({"event": "ready", "sale": sale}), flush=True)
    if name in AFTER_SALE:
        order = (await _settled(store, sale))["order"]["id"]
        sale = await AFTER_SALE[name].prepare(store, {**sale, "order": order})
        print(json.dumps({"event": "ready", "sale": sale}), flush=True)
        store.fault.armed = True
        answer = await AFTER_SALE[name].act(store, sale)
        await _struck_or_at_rest(store)
        return answer
    store.fault.armed = True
    answer = await complete(store, sale)
    await _struck_or_at_rest(store)
    return answer


async def _with_voucher(store: Store, checkout: str) -> dict[str, str]:
    """Give a voucher of ten percent out for one use, and let it count; gives the new total."""
    async with store.subgraphs["products"].database.transaction() as session:
        await session.execute(text(_GIVE_OUT))
    applied = await store.run(_APPLY, id=checkout)
    return applied["checkout"]["total"]["gross"]


async def _struck_or_at_rest(store: Store) -> None:
    """Go on until the fault has struck a call that is made later, by a job."""
    async with asyncio.timeout(60):
        while store.fault.operation and store.fault.armed and not await store.at_rest():  # noqa: ASYNC110 # as below
            await asyncio.sleep(0.05)


async def recover(store: Store, name: str, sale: dict[str, Any]) -> dict[str, Any]:
    """Do what a buyer does who saw no answer: press the button again. Then wait until nothing moves."""
    answer = await _settled(store, sale)
    if name in AFTER_SALE:
        answer = await AFTER_SALE[name].act(store, sale)
    async with asyncio.timeout(60):
        while not await store.at_rest():  # noqa: ASYNC110 # the facts are rows in databases
            await asyncio.sleep(0.05)
    return answer


async def _let_reservations_expire(store: Store) -> None:
    """Let fifteen minutes pass for what the checkout holds."""
    async with store.subgraphs["orders"].database.transaction() as session:
        past = "now() - interval '1 second'"
        await session.execute(text(f"UPDATE inventory.reservation_lines SET expires_at = {past}"))
        await session.execute(text(f"UPDATE orders.checkouts SET reservation_expires_at = {past}"))


async def main(name: str) -> None:
    """Run a scenario, or the recovery from it, and print what the buyer was told."""
    orders = json.loads(await asyncio.to_thread(sys.stdin.readline))
    store = build(orders["url"], orders["broker"], Fault.parse(orders.get("fault", "")))
    await store.start()
    work = recover if orders.get("recover") else scenario
    answer = await work(store, name, orders["sale"])
    print(json.dumps({"event": "done", "answer": answer}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
