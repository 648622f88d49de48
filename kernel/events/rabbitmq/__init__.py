"""Delivery through RabbitMQ: for processes and machines that do not share one database."""

from kernel.events.rabbitmq.delivery import RabbitDelivery

__all__ = ["RabbitDelivery"]
