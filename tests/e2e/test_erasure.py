"""A person who bought something is erased from a running store, and searched for in every corner of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prove.erasure import live, store_with_fast_parcels

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("one-command")]


def test_nothing_is_left_of_a_person_who_was_erased(server_folder: Path) -> None:
    data_dir, log = server_folder / "data", server_folder / "store.log"
    with store_with_fast_parcels(data_dir, log) as url:
        life = live(url, data_dir)
        assert {place.what for place in life.search(log.read_text())} >= {life.journey.email, "Invalidenstr. 117"}
        exported = life.export()
        assert exported["orders"]["orders"][0]["number"] == life.journey.order["number"]

        report = life.erase()

        assert set(report) == set(exported)
        assert life.search(log.read_text()) == []
