from enum import StrEnum

import pytest

from kernel.transitions import IllegalTransitionError, Transitions


class Door(StrEnum):
    OPEN = "OPEN"
    SHUT = "SHUT"
    BRICKED_UP = "BRICKED_UP"


DOOR = Transitions(
    "The door",
    {
        Door.OPEN: frozenset({Door.SHUT}),
        Door.SHUT: frozenset({Door.BRICKED_UP, Door.OPEN}),
        Door.BRICKED_UP: frozenset(),
    },
)


@pytest.mark.parametrize("current", list(Door))
@pytest.mark.parametrize("wanted", list(Door))
def test_what_the_table_lists_may_happen_and_nothing_else(current: Door, wanted: Door):
    if wanted in DOOR.table[current]:
        assert DOOR.allowed(current, wanted)
        assert DOOR.check(current, wanted) is wanted
    else:
        assert not DOOR.allowed(current, wanted)
        with pytest.raises(IllegalTransitionError) as caught:
            DOOR.check(current, wanted)
        assert caught.value.code == "INVALID_STATE"
        assert caught.value.legal == DOOR.legal(current)


def test_a_refusal_names_what_is_legal():
    with pytest.raises(IllegalTransitionError, match="is OPEN and cannot become BRICKED_UP: it may become SHUT"):
        DOOR.check(Door.OPEN, Door.BRICKED_UP)
    with pytest.raises(IllegalTransitionError, match="that state is final"):
        DOOR.check(Door.BRICKED_UP, Door.OPEN)


def test_states_are_told_in_the_order_of_the_table():
    assert DOOR.legal(Door.SHUT) == (Door.OPEN, Door.BRICKED_UP)
    assert DOOR.before(Door.SHUT) == (Door.OPEN,)
    assert DOOR.before(Door.OPEN) == (Door.SHUT,)


def test_every_state_has_a_row():
    with pytest.raises(ValueError, match="SHUT"):
        Transitions("The door", {Door.OPEN: frozenset({Door.SHUT})})
