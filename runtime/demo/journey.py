"""The buyer's journey: register, browse, search, buy, and follow the order until it is shipped.

Each step is a function that takes the journey so far and returns what it saw in a few words; it raises a `JourneyError`
when a buyer would be stuck. What happens later (shipping, mail, recommendations) is waited for, within a deadline.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from runtime.demo import operations
from runtime.demo.client import Client, JourneyError

_POLL_SECONDS = 0.1


@dataclass(slots=True)
class Journey:
    """What the buyer holds on the way."""

    client: Client
    patience: float
    email: str = field(default_factory=lambda: f"buyer-{secrets.token_hex(6)}@example.com")
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    product: dict[str, Any] = field(default_factory=dict)
    skus: list[str] = field(default_factory=list)
    cart_id: str = ""
    checkout: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)

    def wait_for(self, what: str, look: Callable[[], str | None]) -> str:
        """Look again and again until there is something to tell.

        Raises:
            JourneyError: `what` did not happen within the patience of the journey.
        """
        deadline = time.monotonic() + self.patience
        while (seen := look()) is None:
            if time.monotonic() > deadline:
                raise JourneyError(f"{what} did not happen within {self.patience:g} s")
            time.sleep(_POLL_SECONDS)
        return seen


def register(journey: Journey) -> str:
    """Open an account."""
    account = {"email": journey.email, "password": journey.password, "name": "Ada Buyer"}
    journey.client.mutate(operations.REGISTER, input=account)
    return journey.email


def log_in(journey: Journey) -> str:
    """Get a token and see that it is ours."""
    session = journey.client.mutate(operations.LOG_IN, email=journey.email, password=journey.password)
    journey.client.token = session["accessToken"]
    me = journey.client.query(operations.ME)["me"]
    _insist(me is not None and me["email"] == journey.email, "`me` is not the one who logged in")
    return f"{me['name']}, token for {session['expiresIn']} s"


def browse(journey: Journey) -> str:
    """Walk from the categories to a category's products."""
    categories = journey.client.query(operations.CATEGORIES)["categories"]
    _insist(categories["nodes"], "there are no categories")
    for category in categories["nodes"]:
        page = journey.client.query(operations.CATEGORY_PAGE, slug=category["slug"])["products"]
        if page["nodes"]:
            return f"{categories['totalCount']} categories; {category['name']}: {page['totalCount']} products"
    raise JourneyError("no category has products")


def search(journey: Journey) -> str:
    """Find products by a word, and choose one that can be bought."""
    word, found = _searched(journey)
    buyable = [product for product in found["nodes"] if product["availability"]["inStock"] and product["priceRange"]]
    _insist(buyable, f"nothing that was found for {word!r} is in stock")
    journey.product = buyable[0]
    return f"{word!r}: {found['totalCount']} found, {buyable[0]['name']} is in stock"


def _searched(journey: Journey) -> tuple[str, dict[str, Any]]:
    """Search by the last word of some product's name, as a buyer with something in mind would."""
    shelf = journey.client.query(operations.SHELF)["products"]["nodes"]
    for product in shelf:
        word = product["name"].split()[-1]
        found = journey.client.query(operations.SEARCH, query=word)["productSearch"]
        if any(each["availability"]["inStock"] and each["priceRange"] for each in found["nodes"]):
            return word, found
    raise JourneyError("no search finds anything in stock")


def product_page(journey: Journey) -> str:
    """Read the product with its variants, their prices and stock: four subgraphs in one query."""
    product = journey.client.query(operations.PRODUCT_PAGE, slug=journey.product["slug"])["product"]
    variants = [each for each in product["variants"] if each["availability"]["inStock"] and each["price"]]
    _insist(variants, f"no variant of {product['name']} can be bought")
    journey.skus = [variants[0]["sku"]]
    price = variants[0]["price"]
    others = len(product["recommendations"])
    return f"{variants[0]['sku']} at {price['amount']} {price['currency']}, {others} recommendations"


def recommendation(journey: Journey) -> str:
    """Take something that goes with it."""
    product = journey.client.query(operations.PRODUCT_PAGE, slug=journey.product["slug"])["product"]
    for each in product["recommendations"]:
        partner = each["product"]
        for variant in (partner or {}).get("variants", ()):
            if variant["availability"]["inStock"] and variant["price"]:
                journey.skus.append(variant["sku"])
                return f"{partner['name']} ({each['reason'].lower().replace('_', ' ')})"
    raise JourneyError(f"nothing is recommended beside {product['name']}")


def fill_cart(journey: Journey) -> str:
    """Put both into a cart."""
    journey.cart_id = journey.client.mutate(operations.CART_CREATE, currency="EUR")["cart"]["id"]
    lines = [{"sku": sku, "quantity": 1} for sku in journey.skus]
    cart = journey.client.mutate(operations.CART_LINES_ADD, id=journey.cart_id, lines=lines)["cart"]
    _insist(len(cart["lines"]) == len(journey.skus), "the cart does not hold what was put into it")
    return f"{len(cart['lines'])} lines, {_amount(cart['subtotal'])}"


def start_checkout(journey: Journey) -> str:
    """Say where it goes and how."""
    client = journey.client
    checkout = client.mutate(operations.CHECKOUT_CREATE, cartId=journey.cart_id, email=journey.email)["checkout"]
    address = {
        "name": "Ada Buyer",
        "line1": "Invalidenstr. 117",
        "city": "Berlin",
        "postalCode": "10115",
        "country": "DE",
    }
    checkout = client.mutate(operations.SHIPPING_ADDRESS_SET, id=checkout["id"], address=address)["checkout"]
    method = checkout["availableShippingMethods"][0]["method"]
    chosen = client.mutate(operations.SHIPPING_METHOD_SET, id=checkout["id"], methodId=method["id"])["checkout"]
    journey.checkout = chosen
    return f"{method['name']}, total {_amount(chosen['total']['gross'])} with {_amount(chosen['total']['tax'])} tax"


def complete_checkout(journey: Journey) -> str:
    """Buy, with one click that counts once however often it arrives."""
    key = secrets.token_hex(16)
    expected = journey.checkout["total"]["gross"]
    purchase = {
        "id": journey.checkout["id"],
        "input": {"expectedTotal": expected, "paymentToken": "tok_approve"},
        "key": key,
    }
    journey.order = journey.client.mutate(operations.CHECKOUT_COMPLETE, **purchase)["order"]
    again = journey.client.mutate(operations.CHECKOUT_COMPLETE, **purchase)["order"]
    _insist(again["id"] == journey.order["id"], "the second click made a second order")
    return f"order {journey.order['number']}, {journey.order['status']}; a second click gives the same order"


def order_is_paid(journey: Journey) -> str:
    """See the order confirmed and its one payment captured."""

    def look() -> str | None:
        order = journey.client.query(operations.ORDER, id=journey.order["id"])["order"]
        captured = [payment for payment in order["payments"] if payment["status"] == "CAPTURED"]
        _insist(len(captured) <= 1, "the order was paid more than once")
        return f"{_amount(captured[0]['amount'])} captured once" if captured else None

    return journey.wait_for("the payment", look)


def order_is_shipped(journey: Journey) -> str:
    """Follow the order until every parcel has left."""

    def look() -> str | None:
        order = journey.client.query(operations.ORDER, id=journey.order["id"])["order"]
        if order["status"] not in {"SHIPPED", "DELIVERED"}:
            return None
        tracking = [parcel["trackingNumber"] for parcel in order["shipments"]]
        return f"{order['status']}: {len(tracking)} parcel(s), {', '.join(tracking)}"

    return journey.wait_for("the shipment", look)


def is_notified(journey: Journey) -> str:
    """Find the confirmation and the shipping notice in the inbox."""

    def look() -> str | None:
        inbox = journey.client.query(operations.INBOX)["me"]["notifications"]
        topics = {letter["topic"] for letter in inbox["nodes"]}
        if not {"ORDER_CONFIRMED", "ORDER_SHIPPED"} <= topics:
            return None
        return f"{inbox['unreadCount']} unread: {', '.join(sorted(topic.lower() for topic in topics))}"

    return journey.wait_for("the notifications", look)


def is_recommended(journey: Journey) -> str:
    """See in one's own account what goes with what was bought, and the order in its history."""

    def look() -> str | None:
        me = journey.client.query(operations.ACCOUNT)["me"]
        numbers = [order["number"] for order in me["orders"]["nodes"]]
        _insist(journey.order["number"] in numbers, "the order is not in the buyer's history")
        names = [each["product"]["name"] for each in me["recommendations"] if each["product"]]
        return f"{len(names)} products, first {names[0]}" if names else None

    return journey.wait_for("the recommendation", look)


STEPS: tuple[tuple[str, Callable[[Journey], str]], ...] = (
    ("register", register),
    ("log in", log_in),
    ("browse categories", browse),
    ("search", search),
    ("product page", product_page),
    ("bought together", recommendation),
    ("fill the cart", fill_cart),
    ("check out", start_checkout),
    ("buy", complete_checkout),
    ("order is paid", order_is_paid),
    ("order is shipped", order_is_shipped),
    ("mail in the inbox", is_notified),
    ("recommended for you", is_recommended),
)


def run(url: str, patience: float) -> int:
    """Make the journey and print it as a table; the exit code is 1 when a step failed."""
    console = Console(highlight=False)
    table = Table("step", "seen", "ms", title=f"A buyer's journey at {url}")
    table.columns[2].justify = "right"
    journey = Journey(Client(url), patience)
    failed = _walk(journey, table)
    console.print(table)
    if failed:
        console.print(f"[red]The journey ended at {failed}[/]", soft_wrap=True)
        return 1
    console.print(f"[green]All {len(STEPS)} steps passed.[/]")
    return 0


def _walk(journey: Journey, table: Table) -> str | None:
    """Make the steps in order; the one that failed, and why."""
    for name, step in STEPS:
        began = time.monotonic()
        try:
            seen = step(journey)
        except (JourneyError, KeyError, TypeError, IndexError) as error:
            reason = str(error) if isinstance(error, JourneyError) else f"unexpected answer: {error!r}"
            table.add_row(f"[red]✗ {name}[/]", reason, _milliseconds(began))
            return f"{name}: {reason}"
        table.add_row(f"[green]✓[/] {name}", seen, _milliseconds(began))
    return None


def _milliseconds(began: float) -> str:
    return f"{(time.monotonic() - began) * 1000:.0f}"


def _amount(money: dict[str, Any]) -> str:
    return f"{money['amount']} {money['currency']}"


def _insist(holds: object, otherwise: str) -> None:
    if not holds:
        raise JourneyError(otherwise)
