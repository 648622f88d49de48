"""The published language: every domain event that crosses a subgraph's border.

A payload is a frozen dataclass of plain JSON values; its class name is the event's type and routing key.
Producers build one and record it in their outbox; consumers receive it typed. Amounts are integer minor
units beside a currency code, instants are ISO-8601 text in UTC, ids are the prefixed ids of the owning
subgraph. The JSON Schemas under `schema/events/` are generated from these classes, so a field may be added
with a default but never removed or retyped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What all payloads share: the version of their schema, who publishes them, and what of them is about a person.

    `personal` names the fields that identify somebody; erasure blanks them wherever the event is kept. Whose they are
    is told by `user_id` or `customer_id`.
    """

    version: ClassVar[int] = 1
    producer: ClassVar[str] = ""
    personal: ClassVar[tuple[str, ...]] = ()


# --- products ---


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantFacts:
    """What other subgraphs may know of a variant."""

    id: str
    sku: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductCreated(Payload):
    """A product came to be; `variants` holds all that it has."""

    producer: ClassVar[str] = "products"
    product_id: str
    name: str
    category_id: str | None
    variants: tuple[VariantFacts, ...]
    published: bool = True
    brand: str = ""
    tags: tuple[str, ...] = ()
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductUpdated(Payload):
    """A product or one of its variants changed; `variants` holds all that it has now."""

    producer: ClassVar[str] = "products"
    product_id: str
    name: str
    category_id: str | None
    variants: tuple[VariantFacts, ...]
    published: bool = True
    brand: str = ""
    tags: tuple[str, ...] = ()
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChanged(Payload):
    """A variant's list price changed in one currency."""

    producer: ClassVar[str] = "products"
    product_id: str
    sku: str
    currency: str
    old_minor: int | None
    new_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryChanged(Payload):
    """A category was created, renamed, moved or removed."""

    producer: ClassVar[str] = "products"
    category_id: str
    name: str
    parent_id: str | None
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFacts:
    """A search: its words as they were compared, and how many products its first page had; who asked is not told."""

    words: str
    found: int
    searched_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductsSearched(Payload):
    """What was searched for within a few seconds, by everybody together."""

    producer: ClassVar[str] = "products"
    searches: tuple[SearchFacts, ...]


# --- inventory ---


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLine:
    """A quantity of one SKU, in one warehouse where that is decided."""

    sku: str
    quantity: int
    warehouse_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryChanged(Payload):
    """What can be bought of a SKU changed; quantities are totals over all warehouses."""

    producer: ClassVar[str] = "inventory"
    sku: str
    product_id: str | None
    available: int
    on_hand: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLevelLow(Payload):
    """A SKU fell to its reorder point or below."""

    producer: ClassVar[str] = "inventory"
    sku: str
    warehouse_id: str
    available: int
    reorder_point: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReserved(Payload):
    """Stock is held for a checkout until `expires_at`."""

    producer: ClassVar[str] = "inventory"
    reservation_id: str
    checkout_id: str
    lines: tuple[StockLine, ...]
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReleased(Payload):
    """A reservation or allocation was given back."""

    producer: ClassVar[str] = "inventory"
    reservation_id: str
    lines: tuple[StockLine, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAllocated(Payload):
    """Reserved stock now belongs to an order; each line names its warehouse."""

    producer: ClassVar[str] = "inventory"
    reservation_id: str
    order_id: str
    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationExtended(Payload):
    """A reservation is held for longer."""

    producer: ClassVar[str] = "inventory"
    reservation_id: str
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentRequested(Payload):
    """A warehouse is to send these lines of an order."""

    producer: ClassVar[str] = "inventory"
    order_id: str
    warehouse_id: str
    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationMoved(Payload):
    """Lines of an order are to come from another warehouse than was told before."""

    producer: ClassVar[str] = "inventory"
    order_id: str
    warehouse_id: str
    lines: tuple[StockLine, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReturned(Payload):
    """A buyer's goods came back to the shelves, or could not be sold again."""

    producer: ClassVar[str] = "inventory"
    order_id: str
    lines: tuple[StockLine, ...]
    sellable: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackInStock(Payload):
    """Somebody who waited for a SKU can buy it; each is told once."""

    producer: ClassVar[str] = "inventory"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    watch_id: str
    sku: str
    product_id: str | None
    email: str
    user_id: str | None
    name: str = ""


# --- orders ---


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineFacts:
    """A bought line as it was at the time of the order."""

    sku: str
    product_id: str
    name: str
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalAddress:
    """Where an order goes; `country` is ISO 3166-1 alpha-2."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutStarted(Payload):
    """A cart was taken to checkout for the first time."""

    producer: ClassVar[str] = "orders"
    checkout_id: str
    cart_id: str
    currency: str
    started_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts(Payload):
    """What the events of an order have in common."""

    producer: ClassVar[str] = "orders"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    order_id: str
    number: str
    customer_id: str | None
    email: str
    currency: str
    total_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced(OrderFacts):
    """A checkout was completed; payment is not yet known to have succeeded."""

    lines: tuple[OrderLineFacts, ...]
    placed_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderConfirmed(OrderFacts):
    """An order is paid and its stock allocated: it may be fulfilled."""

    personal: ClassVar[tuple[str, ...]] = ("email", "shipping_address")
    lines: tuple[OrderLineFacts, ...]
    stock: tuple[StockLine, ...]
    shipping_address: PostalAddress
    shipping_method_id: str
    confirmed_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(OrderFacts):
    """An order was cancelled before it was shipped."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CartAbandoned(Payload):
    """Somebody whose e-mail address is known filled a cart and left it; told once for each time."""

    producer: ClassVar[str] = "orders"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    cart_id: str
    customer_id: str | None
    email: str
    currency: str
    total_minor: int
    lines: tuple[OrderLineFacts, ...]
    abandoned_at: str


# --- shipping (an order is shipped or delivered when all its shipments are; shipping knows it first) ---


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderShipped(Payload):
    """A shipment of an order left its warehouse; `complete` when it was the last one."""

    producer: ClassVar[str] = "shipping"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    order_id: str
    shipment_id: str
    carrier: str
    tracking_number: str
    lines: tuple[StockLine, ...]
    customer_id: str | None
    email: str
    shipped_at: str
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDelivered(Payload):
    """A shipment of an order reached its address; `complete` when it was the last one."""

    producer: ClassVar[str] = "shipping"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    order_id: str
    shipment_id: str
    customer_id: str | None
    email: str
    delivered_at: str
    complete: bool = True


# --- payments ---


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFacts(Payload):
    """What the events of a payment have in common."""

    producer: ClassVar[str] = "payments"
    payment_id: str
    order_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentProcessed(PaymentFacts):
    """The provider captured the amount."""

    provider_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(PaymentFacts):
    """The provider declined, or the attempt was given up."""

    decline_code: str
    retryable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded(PaymentFacts):
    """An amount went back to the buyer; `amount_minor` is the amount of this refund."""

    refund_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDisputed(PaymentFacts):
    """A buyer had the bank take an amount back (`status` OPEN), or the bank has decided (WON for us, or LOST)."""

    chargeback_id: str
    status: str
    reason: str = ""


# --- recommendations ---


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductViewed(Payload):
    """Somebody looked at a product: a customer, or a guest by the token of the session; after which search, if any."""

    producer: ClassVar[str] = "recommendations"
    personal: ClassVar[tuple[str, ...]] = ("customer_id", "session")
    product_id: str
    customer_id: str | None
    session: str
    viewed_at: str
    searched: str = ""


# --- users ---


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRegistered(Payload):
    """An account was opened."""

    producer: ClassVar[str] = "users"
    personal: ClassVar[tuple[str, ...]] = ("email", "name")
    user_id: str
    email: str
    name: str
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserProfileUpdated(Payload):
    """A profile changed; `changed` names the fields, not their values."""

    producer: ClassVar[str] = "users"
    personal: ClassVar[tuple[str, ...]] = ("email", "name")
    user_id: str
    email: str
    name: str
    language: str = "en"
    changed: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEmailVerified(Payload):
    """Somebody proved that mail to this address reaches them; what guests did under it is theirs."""

    producer: ClassVar[str] = "users"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    user_id: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMailDue(Payload):
    """A mail about an account is to be written; a secret that belongs into it is sealed for whoever writes it."""

    producer: ClassVar[str] = "users"
    personal: ClassVar[tuple[str, ...]] = ("email", "name", "sealed_secret")
    user_id: str
    email: str
    name: str
    language: str
    topic: str
    sealed_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested(Payload):
    """Somebody asked for a new password under an address, known or not; only users itself can read which."""

    producer: ClassVar[str] = "users"
    sealed_email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserErasureRequested(Payload):
    """Whoever keeps something about this person removes it, or what makes it personal, and reports."""

    producer: ClassVar[str] = "users"
    user_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDataExportRequested(Payload):
    """Whoever keeps something about this person reports all of it."""

    producer: ClassVar[str] = "users"
    user_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserErased(Payload):
    """Nothing is kept about this person any more; what came in while it was being removed is removed now."""

    producer: ClassVar[str] = "users"
    user_id: str
    request_id: str


# --- every subgraph that keeps something about people ---


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataErased(Payload):
    """A subgraph has erased a person; `rows` counts what it removed or made anonymous, by table."""

    producer: ClassVar[str] = "subgraphs"
    user_id: str
    request_id: str
    subgraph: str
    rows: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataCollected(Payload):
    """All that a subgraph keeps about a person, sealed for the subgraph users."""

    producer: ClassVar[str] = "subgraphs"
    personal: ClassVar[tuple[str, ...]] = ("sealed_content",)
    user_id: str
    request_id: str
    subgraph: str
    sealed_content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedInSomebodysName(Payload):
    """Somebody of the shop, acting in a person's name, asked a subgraph to change something; `fields` are what."""

    producer: ClassVar[str] = "subgraphs"
    user_id: str
    actor_id: str
    subgraph: str
    fields: tuple[str, ...]


CATALOGUE: dict[str, type[Payload]] = {
    payload.__name__: payload
    for payload in (
        ProductCreated,
        ProductUpdated,
        PriceChanged,
        CategoryChanged,
        ProductsSearched,
        InventoryChanged,
        StockLevelLow,
        StockReserved,
        StockReleased,
        StockAllocated,
        ReservationExtended,
        FulfilmentRequested,
        AllocationMoved,
        StockReturned,
        BackInStock,
        CheckoutStarted,
        OrderPlaced,
        OrderConfirmed,
        OrderCancelled,
        CartAbandoned,
        OrderShipped,
        OrderDelivered,
        PaymentProcessed,
        PaymentFailed,
        PaymentRefunded,
        PaymentDisputed,
        ProductViewed,
        UserRegistered,
        UserProfileUpdated,
        UserEmailVerified,
        AccountMailDue,
        PasswordResetRequested,
        UserErasureRequested,
        UserDataExportRequested,
        UserErased,
        PersonalDataErased,
        PersonalDataCollected,
        ChangedInSomebodysName,
    )
}
"""Every event type by its name."""
