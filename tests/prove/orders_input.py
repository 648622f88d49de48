"""What a hostile or careless client may send: each is refused with its code, and nothing has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from kernel.database import count_statements
from kernel.graphql import ErrorCode
from kernel.identity import ANONYMOUS, Caller
from tests.prove.claims import Prover
from tests.prove.orders_races import Shops
from tests.sale import ADD, BUYER, CANCEL, CHECKOUT, COMPLETE
from tests.shop import Shop

ADMIN: Final = Caller(id="usr_admin", kind="admin")
MALLORY: Final = Caller(id="usr_2", kind="customer", email="mallory@example.com")
_TABLES: Final = {
    "orders": ("carts", "cart_lines", "checkouts", "orders", "order_lines", "order_timeline", "sagas", "outbox"),
    "payments": ("payments", "payment_events", "ledger_entries", "sandbox_charges", "sandbox_refunds"),
    "inventory": ("stock_events", "stock_levels", "reservation_lines", "allocations"),
}
_CREATE: Final = (
    "mutation ($currency: CurrencyCode!) { cartCreate(currency: $currency) { cart { id } errors { code } } }"
)
_GIVE_OUT: Final = "mutation ($input: VoucherCreateInput!) { voucherCreate(input: $input) { errors { code } } }"
_VOUCHER: Final = """mutation ($id: ID!, $code: String!) {
    checkoutVoucherApply(id: $id, code: $code) { checkout { id } errors { code } } }"""
_SET: Final = """mutation ($id: ID!, $sku: String!, $quantity: Int!) {
    cartLineUpdate(id: $id, sku: $sku, quantity: $quantity) { cart { id } errors { code } } }"""
_EDIT: Final = """mutation ($id: ID!, $lines: [OrderEditLineInput!]!, $difference: MoneyInput!) {
    orderEditConfirm(orderId: $id, idempotencyKey: "edit", input: {
        lines: $lines, expectedDifference: $difference, paymentToken: "tok_approve" }) { errors { code } } }"""
_CART_VOUCHER: Final = """mutation ($id: ID!, $code: String!) {
    cartVoucherApply(id: $id, code: $code) { errors { code } } }"""
_REMOVE: Final = "mutation ($id: ID!, $sku: String!) { cartLineRemove(id: $id, sku: $sku) { errors { code } } }"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that is sent, and the code by which it must be refused."""

    what: str
    document: str
    variables: dict[str, Any]
    code: str
    caller: Caller = MALLORY


async def prove_input(prover: Prover, shops: Shops) -> None:
    """Send everything that must be refused, and compare all tables before and after."""
    async with shops.shop() as shop:
        for attempt in await _attempts(shop):
            before = await _contents(shop)
            refused = await _send(shop, attempt)
            changed = [name for name, digest in (await _contents(shop)).items() if digest != before[name]]
            seen = f"{refused}, tables changed: {', '.join(changed) or 'none'}"
            holds = refused == attempt.code and not changed
            prover.check(attempt.what, seen, f"{attempt.code}, none changed", holds)


async def prove_budgets(prover: Prover, shops: Shops) -> None:
    """Count the statements of all five services."""
    async with shops.shop() as shop:
        cart = await shop.cart()
        with count_statements(*shop.databases) as adding:
            await shop.mutate(ADD, id=cart, lines=[{"sku": "SKU-A", "quantity": 1}, {"sku": "SKU-B", "quantity": 1}])
        checkout, total = await shop.checkout()
        with count_statements(*shop.databases) as completing:
            await shop.complete(checkout, total)
        with count_statements(*shop.databases) as everything:
            await shop.buy(key="another")
    prover.at_most("add to cart", adding.total, 8, "statements")
    prover.at_most("checkout complete, all services", completing.total, 25, "statements")
    prover.at_most("a whole checkout, all requests and services", everything.total, 60, "statements")


async def _attempts(shop: Shop) -> list[Attempt]:
    cart = await shop.cart()
    checkout, total = await shop.checkout()
    sold, paid = await shop.checkout()
    order = (await shop.complete(sold, paid))["order"]["id"]
    await shop.settle()

    def add(what: str, sku: str, quantity: int, code: str, caller: Caller = BUYER) -> Attempt:
        return Attempt(what, ADD, {"id": cart, "lines": [{"sku": sku, "quantity": quantity}]}, code, caller)

    def complete(what: str, code: str, caller: Caller = BUYER, **changes: Any) -> Attempt:
        agreed = {"id": checkout, "total": total, "token": "tok_approve", "key": "key", **changes}
        return Attempt(what, COMPLETE, agreed, code, caller)

    def edit(pieces: int, difference: str) -> dict[str, Any]:
        lines = [{"sku": "SKU-A", "quantity": pieces}]
        return {"id": order, "lines": lines, "difference": {"amount": difference, "currency": "EUR"}}

    gone = {"code": "GONE", "name": "Last summer", "percent": "10", "startsAt": "2020-01-01T00:00:00Z"}
    await shop.run("products", _GIVE_OUT, ADMIN, input={**gone, "endsAt": "2020-09-01T00:00:00Z"})
    less = {"amount": "0.01", "currency": "EUR"}
    line = {"id": cart, "sku": "SKU-A", "quantity": -5}
    return [
        *(add(f"add {quantity} pieces", "SKU-A", quantity, "INVALID_INPUT") for quantity in (0, -1, -999, 1000)),
        add("add 2^31 - 1 pieces", "SKU-A", 2**31 - 1, "INVALID_INPUT"),
        add("add 2^40 pieces", "SKU-A", 2**40, "BAD_USER_INPUT"),
        add("add what does not exist", "SKU-NOWHERE", 1, "NOT_AVAILABLE"),
        Attempt("set a line to -5", _SET, line, "INVALID_INPUT", BUYER),
        Attempt("a cart in an unknown currency", _CREATE, {"currency": "XXQ"}, "INVALID_INPUT"),
        Attempt("a cart in no currency at all", _CREATE, {"currency": "EURO"}, "INVALID_INPUT"),
        add("fill somebody else's cart", "SKU-A", 1, "NOT_FOUND", MALLORY),
        add("fill a customer's cart as a guest", "SKU-A", 1, "NOT_FOUND", ANONYMOUS),
        Attempt("empty somebody else's cart", _REMOVE, {"id": cart, "sku": "SKU-A"}, "NOT_FOUND"),
        Attempt("check somebody else's cart out", CHECKOUT, {"cart": cart}, "NOT_FOUND"),
        complete("pay somebody else's checkout", "NOT_FOUND", MALLORY),
        Attempt("cancel somebody else's order", CANCEL, {"id": order}, "NOT_FOUND"),
        Attempt("a voucher that has expired", _VOUCHER, {"id": checkout, "code": "GONE"}, "VOUCHER_EXPIRED", BUYER),
        Attempt("a voucher of one's own making", _VOUCHER, {"id": checkout, "code": "FREE"}, "VOUCHER_UNKNOWN", BUYER),
        Attempt("an expired voucher on a cart", _CART_VOUCHER, {"id": cart, "code": "GONE"}, "VOUCHER_EXPIRED", BUYER),
        Attempt("change somebody else's order", _EDIT, edit(3, "19.99"), "NOT_FOUND"),
        Attempt("a tampered difference", _EDIT, edit(3, "0.01"), "PRICE_CHANGED", BUYER),
        Attempt("a refund for adding to an order", _EDIT, edit(3, "-19.99"), "PRICE_CHANGED", BUYER),
        Attempt("a huge quantity for an order", _EDIT, edit(10**6, "19.99"), "INVALID_INPUT", BUYER),
        Attempt("a negative quantity for an order", _EDIT, edit(-1, "-19.99"), "INVALID_INPUT", BUYER),
        complete("a tampered total", "PRICE_CHANGED", total=less),
        complete("a negative total", "PRICE_CHANGED", total={"amount": "-49.88", "currency": "EUR"}),
        complete("a total in another currency", "INVALID_INPUT", total={**total, "currency": "USD"}),
        complete("a total in an unknown currency", "INVALID_INPUT", total={**total, "currency": "XXQ"}),
        complete(
            "a total with more digits than cents", "INVALID_INPUT", total={"amount": "49.8799", "currency": "EUR"}
        ),
        complete("no idempotency key", "INVALID_INPUT", key=""),
        complete("an endless idempotency key", "INVALID_INPUT", key="k" * 10_000),
        complete("another request under a used key", "IDEMPOTENCY_KEY_REUSED", id=sold, key="key-1", total=less),
    ]


async def _send(shop: Shop, attempt: Attempt) -> str:
    """Send it, and give the code of the first refusal."""
    executor = shop.subgraphs["orders"].executor
    result = await executor.execute(attempt.document, attempt.variables, caller=attempt.caller)
    if result.errors:
        return str(result.errors[0].get("extensions", {}).get("code", "no code"))
    (payload,) = (result.data or {}).values()
    codes = [error["code"] for error in payload["errors"]]
    return ErrorCode(codes[0]).value if codes else "accepted"


async def _contents(shop: Shop) -> dict[str, str]:
    """Give a digest of everything that is kept about carts, orders, money and stock."""
    digests = {}
    for schema, tables in _TABLES.items():
        for table in tables:
            whole = f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {schema}.{table} AS t"
            digests[f"{schema}.{table}"] = str((await shop.query(whole))[0][0])
    return digests
