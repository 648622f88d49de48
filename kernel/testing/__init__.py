"""What tests of subgraphs stand on: real servers, fresh databases, a clock that stands still."""

from kernel.testing.clock import FixedClock
from kernel.testing.servers import PostgresForTests, ValkeyForTests

__all__ = ["FixedClock", "PostgresForTests", "ValkeyForTests"]
