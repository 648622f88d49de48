"""The published language: every domain event that crosses a subgraph's border.

A payload is a frozen dataclass of plain JSON values; its class name is the event's type and routing key.
Producers build one and record it in their outbox; consumers receive it typed. Amounts are integer minor
units beside a currency code, instants are ISO-8601 text in UTC, ids are the prefixed ids of the owning
subgraph. The JSON Schemas under `schema/events/` are generated from these classes, so a field may be added
with a default but never removed or retyped.
"""

from __future__ import annotations

from kernel.events.catalogue.inventory import (
    AllocationMoved,
    BackInStock,
    FulfilmentRequested,
    InventoryChanged,
    ReservationExtended,
    StockAllocated,
    StockLevelLow,
    StockLine,
    StockReleased,
    StockReserved,
    StockReturned,
)
from kernel.events.catalogue.orders import (
    CartAbandoned,
    CheckoutStarted,
    OrderCancelled,
    OrderConfirmed,
    OrderEdited,
    OrderFacts,
    OrderLineFacts,
    OrderPlaced,
    PostalAddress,
)
from kernel.events.catalogue.payload import Payload
from kernel.events.catalogue.payments import (
    PaymentDisputed,
    PaymentFacts,
    PaymentFailed,
    PaymentProcessed,
    PaymentRefunded,
)
from kernel.events.catalogue.personal_data import (
    ChangedInSomebodysName,
    PersonalDataCollected,
    PersonalDataErased,
)
from kernel.events.catalogue.products import (
    CategoryChanged,
    PriceChanged,
    ProductCreated,
    ProductsSearched,
    ProductUpdated,
    SearchFacts,
    VariantFacts,
)
from kernel.events.catalogue.recommendations import (
    ProductViewed,
)
from kernel.events.catalogue.shipping import (
    OrderDelivered,
    OrderShipped,
)
from kernel.events.catalogue.users import (
    AccountMailDue,
    PasswordResetRequested,
    UserDataExportRequested,
    UserEmailVerified,
    UserErased,
    UserErasureRequested,
    UserProfileUpdated,
    UserRegistered,
)

__all__ = [
    "CATALOGUE",
    "AccountMailDue",
    "AllocationMoved",
    "BackInStock",
    "CartAbandoned",
    "CategoryChanged",
    "ChangedInSomebodysName",
    "CheckoutStarted",
    "FulfilmentRequested",
    "InventoryChanged",
    "OrderCancelled",
    "OrderConfirmed",
    "OrderDelivered",
    "OrderEdited",
    "OrderFacts",
    "OrderLineFacts",
    "OrderPlaced",
    "OrderShipped",
    "PasswordResetRequested",
    "Payload",
    "PaymentDisputed",
    "PaymentFacts",
    "PaymentFailed",
    "PaymentProcessed",
    "PaymentRefunded",
    "PersonalDataCollected",
    "PersonalDataErased",
    "PostalAddress",
    "PriceChanged",
    "ProductCreated",
    "ProductUpdated",
    "ProductViewed",
    "ProductsSearched",
    "ReservationExtended",
    "SearchFacts",
    "StockAllocated",
    "StockLevelLow",
    "StockLine",
    "StockReleased",
    "StockReserved",
    "StockReturned",
    "UserDataExportRequested",
    "UserEmailVerified",
    "UserErased",
    "UserErasureRequested",
    "UserProfileUpdated",
    "UserRegistered",
    "VariantFacts",
]

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
        OrderEdited,
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
