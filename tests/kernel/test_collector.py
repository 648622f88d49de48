"""What a process keeps for good is looked through by the collector once."""

from __future__ import annotations

import gc

from kernel.collector import spare_what_is_there


def test_a_full_collection_passes_by_what_was_there() -> None:
    before = gc.get_freeze_count()
    there = [[] for _ in range(1000)]
    try:
        spare_what_is_there()

        assert gc.get_freeze_count() >= before + len(there)
        assert not any(each is there for each in gc.get_objects())
    finally:
        gc.unfreeze()
