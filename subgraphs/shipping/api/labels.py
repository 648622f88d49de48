"""Labels of the sandbox carrier, as pictures: behind addresses that nobody guesses, drawn from what is still known.

No label is stored: when a person's data is erased, their labels are empty.
"""

from __future__ import annotations

from html import escape
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kernel.database import Database
from kernel.events.catalogue import PostalAddress
from subgraphs.shipping.storage import shipments as store
from subgraphs.shipping.storage import tracking as tracking_store


class LabelBook(Protocol):
    """Whoever knows which parcel a label's address stands for."""

    async def reference_of(self, label_secret: str) -> tuple[str, str] | None:
        """Find our reference of a parcel, and its tracking number."""
        ...


def label_route(book: LabelBook, database: Database) -> Route:
    """Make the route of the labels."""

    async def label(request: Request) -> Response:
        found = await book.reference_of(request.path_params["secret"])
        if found is None:
            return Response("Not found.\n", 404, media_type="text/plain")
        reference, tracking_number = found
        return_id, _, key = reference.partition(":")
        async with database.session() as session:
            back = await tracking_store.return_label(session, key) if key else None
            shipment = await store.by_id(session, back.shipment_id if back else reference)
        if shipment is None:
            return Response("Not found.\n", 404, media_type="text/plain")
        title = f"Return {return_id}" if back else f"To {shipment.address.country}"
        picture = _draw(title, tracking_number, shipment.address)
        return Response(picture, media_type="image/svg+xml", headers={"cache-control": "private, no-store"})

    return Route("/shipping/labels/{secret}.svg", label, methods=["GET"])


def _draw(title: str, tracking_number: str, address: PostalAddress) -> str:
    lines = [
        title,
        tracking_number,
        "",
        address.name,
        address.line1,
        address.line2,
        f"{address.postal_code} {address.city}",
        address.country,
    ]
    texts = "".join(f'<text x="20" y="{40 + 28 * at}">{escape(line)}</text>' for at, line in enumerate(lines))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="420" height="280" font-family="monospace" font-size="18">'
        f'<rect width="420" height="280" fill="white" stroke="black"/>{texts}</svg>\n'
    )
