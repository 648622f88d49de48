"""Who may use which root field of the shop, and whose things they reach with it.

Every query, mutation and subscription of `schema/api.graphql` has its line here; the test beside this module fails for
a field without one, and holds each line against a running store. To add a field, add one line:

    "giftCardBalance": EVERYONE          nothing of a person is behind it
    "giftCard": HOLDER                   takes an unguessable id that itself gives the right
    "wishlist": PERSON                   only the caller's own things; guests are refused
    "wishlistRemove": owner("wsh")       takes the id (`wsh_…`) of something that is its owner's alone
    "returnApprove": owner("ret", STAFF) the same, and these people do it for others as well
    "priceRulesSet": only(STAFF)         for these people alone

What `owner` names must be in the life that `tests/prove/erasure.py` leads in the store: let it use what is new there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ACTORS: Final = ("guest", "customer", "vendor", "staff", "support", "admin")
"""Who tries; the customer is another one, and the vendor has nothing to do with the victim."""
STAFF: Final = frozenset({"staff", "support", "admin"})
STOCK: Final = frozenset({"staff", "admin"})
"""Who works with stock; the support only reads what there is."""
ADMIN: Final = frozenset({"admin"})
VENDOR: Final = frozenset({"vendor", "admin"})
PARTNERS: Final = STAFF | VENDOR
NOBODY: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What holds for one root field.

    Attributes:
        admitted: who may use it at all; all others are told UNAUTHENTICATED (guests) or FORBIDDEN.
        thing: the prefix of the ids that it takes, where those are of things that somebody owns.
        office: who may reach the things of others with it, because it is their work.
    """

    admitted: frozenset[str] = frozenset(ACTORS)
    thing: str = ""
    office: frozenset[str] = NOBODY


EVERYONE: Final = Rule()
PERSON: Final = Rule(admitted=frozenset(ACTORS) - {"guest"})


HOLDER: Final = Rule()
"""Takes an unguessable id that is told to nobody but its owner: whoever has it may use it."""


def only(actors: frozenset[str]) -> Rule:
    """Make the rule of a field that is these people's work."""
    return Rule(admitted=actors, office=actors)


def owner(thing: str, office: frozenset[str] = NOBODY) -> Rule:
    """Make the rule of a field that takes the id of something that belongs to a person."""
    return Rule(thing=thing, office=office)


RULES: Final[Mapping[str, Rule]] = {
    # products
    "product": EVERYONE,
    "variant": EVERYONE,
    "products": EVERYONE,
    "productSearch": EVERYONE,
    "category": EVERYONE,
    "categories": EVERYONE,
    "collection": EVERYONE,
    "collections": EVERYONE,
    "productTypes": EVERYONE,
    "brand": EVERYONE,
    "brands": EVERYONE,
    "promotions": only(STAFF),
    "productCreate": only(VENDOR),
    "productUpdate": only(VENDOR),
    "productVariantCreate": only(VENDOR),
    "productVariantUpdate": only(VENDOR),
    "variantPriceSet": only(VENDOR),
    "uploadCreate": only(VENDOR),
    "uploadComplete": only(VENDOR),
    "productMediaAdd": only(VENDOR),
    "productMediaSet": only(VENDOR),
    "productMediaDescribe": only(VENDOR),
    "productsImport": only(VENDOR),
    "productsExport": only(VENDOR),
    "productTransfer": only(VENDOR),
    "productTransfers": only(VENDOR),
    "productDocumentSet": only(VENDOR),
    "productsByDocument": EVERYONE,
    "productTypeCreate": only(ADMIN),
    "categoryCreate": only(ADMIN),
    "categoryUpdate": only(ADMIN),
    "categoryMove": only(ADMIN),
    "categoryDelete": only(ADMIN),
    "categoriesReorder": only(ADMIN),
    "collectionCreate": only(ADMIN),
    "collectionUpdate": only(ADMIN),
    "collectionDelete": only(ADMIN),
    "collectionProductsSet": only(ADMIN),
    "brandCreate": only(ADMIN),
    "brandUpdate": only(ADMIN),
    "promotionCreate": only(ADMIN),
    "promotionEnd": only(ADMIN),
    # recommendations
    "popularProducts": EVERYONE,
    "trendingProducts": EVERYONE,
    "recommendedProducts": HOLDER,
    "recentlyViewed": HOLDER,
    "productViewed": HOLDER,
    "recentlyViewedMerge": PERSON,
    "analytics": only(ADMIN),
    # inventory
    "availabilityChanged": EVERYONE,
    "warehouses": only(STAFF),
    "stockLevels": only(STAFF),
    "stockMovements": only(STAFF),
    "stockOverview": only(STOCK),
    "demandForecasts": only(STOCK),
    "reorderPlans": only(STOCK),
    "purchaseOrders": only(STOCK),
    "purchaseOrder": only(STOCK),
    "stockTurnover": only(STOCK),
    "stockReceive": only(STOCK),
    "stockAdjust": only(STOCK),
    "stockCount": only(STOCK),
    "stockTransfer": only(STOCK),
    "stockReturn": only(STOCK),
    "stockPolicySet": only(STOCK),
    "bundleSet": only(STOCK),
    "warehouseCreate": only(ADMIN),
    "warehouseUpdate": only(ADMIN),
    "warehouseMoveOut": only(STOCK),
    "purchaseOrderCreate": only(STOCK),
    "purchaseOrdersSuggest": only(STOCK),
    "purchaseOrderPlace": only(STOCK),
    "purchaseOrderReceive": only(STOCK),
    "purchaseOrderCancel": only(STOCK),
    "supplyTermsSet": only(STOCK),
    "reorderPointsAdopt": only(STOCK),
    "stockCostSet": only(STOCK),
    "stockWatchCreate": EVERYONE,
    "stockWatchRemove": HOLDER,
    # orders
    "cart": owner("cart", STAFF),
    "cartCreate": EVERYONE,
    "cartLinesAdd": owner("cart", STAFF),
    "cartLineUpdate": owner("cart", STAFF),
    "cartLineRemove": owner("cart", STAFF),
    "checkout": owner("chk", STAFF),
    "checkoutCreate": owner("cart", STAFF),
    "checkoutShippingAddressSet": owner("chk", STAFF),
    "checkoutShippingMethodSet": owner("chk", STAFF),
    "checkoutComplete": owner("chk", STAFF),
    "order": owner("ord", STAFF),
    "orders": only(STAFF),
    "orderCancel": owner("ord", STAFF),
    "orderStatusChanged": owner("ord", STAFF),
    "orderSagas": only(STAFF),
    "orderSaga": only(STAFF),
    "orderSagaRetry": only(STAFF),
    "orderSagaResolve": only(STAFF),
    "checkoutVoucherApply": owner("chk", STAFF),
    "checkoutVoucherRemove": owner("chk", STAFF),
    "voucherCreate": only(ADMIN),
    "voucherEnd": only(ADMIN),
    "cartVoucherApply": owner("cart", STAFF),
    "cartVoucherRemove": owner("cart", STAFF),
    "cartLineSave": owner("cart", STAFF),
    "cartLineRestore": owner("cart", STAFF),
    "cartMerge": Rule(admitted=frozenset({"customer"}), thing="cart"),
    "orderReturnRequest": owner("ord", STAFF),
    "orderReturnCancel": owner("ret", STAFF),
    "orderReturnApprove": only(STAFF),
    "orderReturnRefuse": only(STAFF),
    "orderReturnReceive": only(STAFF),
    "orderRefund": only(ADMIN),
    "draftOrderCreate": only(STAFF),
    "orderEditPreview": owner("ord", STAFF),
    "orderEditConfirm": owner("ord", STAFF),
    "orderExchangePreview": only(STAFF),
    "orderExchangeConfirm": only(STAFF),
    "taxQuote": only(STAFF),
    "articlesTaxClassSet": only(STAFF),
    # payments
    "payment": only(STAFF),
    "payments": only(STAFF),
    "ledgerBalances": only(STAFF),
    "paymentReconciliation": only(STAFF),
    "paymentWebhooks": only(STAFF),
    "paymentCapture": only(STAFF),
    "paymentVoid": only(STAFF),
    "paymentRefund": only(ADMIN),
    # shipping
    "shippingMethods": EVERYONE,
    "shipments": only(STAFF),
    "shipmentShip": only(STAFF),
    "shippingZones": only(STAFF),
    "shippingRates": only(STAFF),
    "freeShippingRules": only(STAFF),
    "shippingMethodSet": only(STAFF),
    "shippingZoneSet": only(STAFF),
    "shippingZoneDelete": only(STAFF),
    "shippingRateSet": only(STAFF),
    "shippingRateDelete": only(STAFF),
    "freeShippingRuleSet": only(STAFF),
    "freeShippingRuleDelete": only(STAFF),
    # notifications
    "notificationMarkRead": owner("ntf"),
    "notificationDeliveries": only(STAFF),
    "notificationReceived": PERSON,
    "notificationsMarkAllRead": PERSON,
    "notificationPreferences": PERSON,
    "notificationPreferencesUpdate": PERSON,
    "notificationChoose": PERSON,
    "pushDeviceAdd": PERSON,
    "pushDeviceRemove": PERSON,
    "notificationPreview": only(STAFF),
    "notificationTemplate": only(STAFF),
    "notificationTemplateOverrides": only(STAFF),
    "notificationTemplateSet": only(ADMIN),
    "notificationTemplateReset": only(ADMIN),
    "notificationResend": only(STAFF),
    "notificationBounced": only(STAFF),
    # webhooks; whose endpoints are whose is tried in tests/subgraphs/notifications/test_webhooks.py
    "webhookRetrySchedule": EVERYONE,
    "webhookEventTypes": only(PARTNERS),
    "webhookEndpoints": only(PARTNERS),
    "webhookEndpoint": only(PARTNERS),
    "webhookEndpointCreate": only(PARTNERS),
    "webhookEndpointUpdate": only(PARTNERS),
    "webhookEndpointDelete": only(PARTNERS),
    "webhookSecretRotate": only(PARTNERS),
    "webhookDryRun": only(PARTNERS),
    "webhookTest": only(PARTNERS),
    "webhookDeliveryReplay": only(PARTNERS),
    "webhookFailedReplay": only(PARTNERS),
    # users
    "me": EVERYONE,
    "user": owner("usr", STAFF),
    "users": only(STAFF),
    "dataExport": owner("dreq"),
    "accessLog": only(ADMIN),
    "userRegister": EVERYONE,
    "userLogin": EVERYONE,
    "userLoginConfirm": EVERYONE,
    "tokenRefresh": EVERYONE,
    "userLogout": EVERYONE,
    "userUpdate": PERSON,
    "userAddressCreate": PERSON,
    "userAddressUpdate": owner("adr"),
    "userAddressDelete": owner("adr"),
    "sessionConfirmBegin": PERSON,
    "sessionConfirm": PERSON,
    "sessionRevoke": owner("session"),
    "sessionsRevokeAll": PERSON,
    "userEmailVerificationSend": PERSON,
    "userEmailVerify": EVERYONE,
    "userPasswordResetRequest": EVERYONE,
    "userPasswordReset": EVERYONE,
    "userPasswordChange": PERSON,
    "userEmailChangeRequest": PERSON,
    "userEmailChange": EVERYONE,
    "totpBegin": PERSON,
    "totpConfirm": owner("mfa"),
    "passkeyBegin": PERSON,
    "passkeyAdd": PERSON,
    "secondFactorRemove": owner("mfa"),
    "recoveryCodesRenew": PERSON,
    "identityLinkBegin": PERSON,
    "identityLinkConfirm": EVERYONE,
    "identityUnlink": PERSON,
    "consentSet": PERSON,
    "paymentMethodAdd": PERSON,
    "paymentMethodRemove": owner("pm"),
    "dataExportRequest": PERSON,
    "userErase": PERSON,
    "userRolesSet": only(ADMIN),
    "staffInvite": only(ADMIN),
    "userImpersonate": only(frozenset({"support", "admin"})),
    "userSessionsRevoke": only(frozenset({"support", "admin"})),
}
"""The rule of each root field of the API."""

OF_ONESELF_ALONE: Final = frozenset({"userErase", "sessionsRevokeAll", "userLogin"})
"""What ends an actor's own account or log-in, or is held up by the throttle: not tried here.

`tests/subgraphs/users/test_access.py` tries the first two.
"""
