"""The use cases of stock: commands that change it, each one transaction, and the proof that it adds up."""

from subgraphs.inventory.service.stock import InventoryService

__all__ = ["InventoryService"]
