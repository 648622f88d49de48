"""A process that imports a file until it is killed: `python import_process.py URL FILE`."""

import asyncio
import sys
from pathlib import Path

from kernel.calls import InProcessCalls
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.settings import Settings
from kernel.subgraph import Parts
from runtime.import_catalogue import import_catalogue
from subgraphs.inventory.service import InventoryService
from subgraphs.products.app import make_service


async def main(url: str, file: Path) -> None:
    async with Database(url, schema="products") as products, Database(url, schema="inventory") as inventory:
        clock = SystemClock()
        catalogue = make_service(Settings.load(), Parts(database=products, calls=InProcessCalls("products", {})))

        def told(done: int, total: int) -> None:
            sys.stdout.write(f"{done} of {total}\n")
            sys.stdout.flush()

        await import_catalogue(file, catalogue, InventoryService(inventory, clock), on_progress=told)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
