"""The ports of orders over GraphQL: products, inventory, payments and shipping as orders asks them."""

from subgraphs.orders.remote.catalogue import RemoteCatalogue
from subgraphs.orders.remote.payments import RemotePayments
from subgraphs.orders.remote.shipping import RemoteShipping
from subgraphs.orders.remote.stock import RemoteStock
from subgraphs.orders.remote.vouchers import RemoteVouchers

__all__ = ["RemoteCatalogue", "RemotePayments", "RemoteShipping", "RemoteStock", "RemoteVouchers"]
