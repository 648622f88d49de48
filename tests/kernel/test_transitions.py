"""A state machine is a table, and its refusals name what is legal."""

from enum import StrEnum

import pytest

from kernel.transitions import IllegalTransitionError, Transitions


class Light(StrEnum):
    RED = "RED"
    GREEN = "GREEN"
    BROKEN = "BROKEN"


LIGHT = Transitions(
    "The light",
    {
        Light.RED: frozenset({Light.GREEN, Light.BROKEN}),
        Light.GREEN: frozenset({Light.RED}),
        Light.BROKEN: frozenset(),
    },
)


def test_a_legal_transition_gives_the_new_state():
    assert LIGHT.check(Light.RED, Light.GREEN) == Light.GREEN


def test_an_illegal_one_names_the_legal_states_in_the_order_of_the_table():
    with pytest.raises(IllegalTransitionError, match="it may become GREEN, BROKEN") as caught:
        LIGHT.check(Light.RED, Light.RED)
    assert (caught.value.current, caught.value.wanted, caught.value.legal) == ("RED", "RED", ("GREEN", "BROKEN"))
    assert caught.value.code == "INVALID_STATE"


def test_a_final_state_says_that_it_is_final():
    with pytest.raises(IllegalTransitionError, match="that state is final"):
        LIGHT.check(Light.BROKEN, Light.RED)


def test_the_table_is_read_both_ways():
    assert LIGHT.before(Light.BROKEN) == (Light.RED,)
    assert LIGHT.legal(Light.BROKEN) == ()
    assert LIGHT.allowed(Light.GREEN, Light.RED)


def test_a_state_without_a_row_is_a_mistake():
    with pytest.raises(ValueError, match="GREEN"):
        Transitions("The light", {Light.RED: frozenset({Light.GREEN})})
