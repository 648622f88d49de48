import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import ConflictError, InvalidInputError
from subgraphs.inventory.domain.stock import EFFECTS, Effect, Level, Movement, MovementType, Policy


def level(**counters):
    return Level(sku="A", warehouse_id="wh_1", **counters)


SIGNED = {MovementType.ADJUSTED, MovementType.COUNTED, MovementType.TRANSFERRED}
movements = st.builds(
    lambda kind, size, sign: Movement(type=kind, quantity=size * sign if kind in SIGNED else size),
    st.sampled_from([each for each in MovementType if EFFECTS[each] != Effect()]),
    st.integers(1, 20),
    st.sampled_from([1, -1]),
)


@given(st.lists(movements, max_size=60), st.integers(0, 5))
def test_a_level_is_the_sum_of_its_movements_and_never_oversold(wished, limit):
    state, happened = level(backorder_limit=limit), []
    for movement in wished:
        try:
            state = state.record(movement)
        except ConflictError:
            continue
        happened.append(movement)
        assert min(state.on_hand, state.reserved, state.allocated, state.available) >= 0
    assert state.version == len(happened)
    assert state.on_hand == sum(EFFECTS[each.type].on_hand * each.quantity for each in happened)
    assert state.reserved == sum(EFFECTS[each.type].reserved * each.quantity for each in happened)
    assert state.allocated == sum(EFFECTS[each.type].allocated * each.quantity for each in happened)


def test_a_sale_goes_through_all_counters():
    state = level().record(Movement(type=MovementType.RECEIVED, quantity=5))
    state = state.record(Movement(type=MovementType.RESERVED, quantity=2))
    assert (state.on_hand, state.reserved, state.available) == (5, 2, 3)
    state = state.record(Movement(type=MovementType.ALLOCATED, quantity=2))
    assert (state.reserved, state.allocated, state.available) == (0, 2, 3)
    state = state.record(Movement(type=MovementType.SHIPPED, quantity=2))
    assert (state.on_hand, state.allocated, state.available, state.version) == (3, 0, 3, 4)


@pytest.mark.parametrize(
    ("counters", "movement", "code"),
    [
        ({"on_hand": 1}, Movement(type=MovementType.RESERVED, quantity=2), "INSUFFICIENT_STOCK"),
        ({"on_hand": 3, "reserved": 3}, Movement(type=MovementType.ADJUSTED, quantity=-1), "INSUFFICIENT_STOCK"),
        ({"on_hand": 3}, Movement(type=MovementType.ADJUSTED, quantity=-4), "INVALID_STATE"),
        ({"on_hand": 3}, Movement(type=MovementType.SHIPPED, quantity=1), "INVALID_STATE"),
        ({"on_hand": 3}, Movement(type=MovementType.RELEASED, quantity=1), "INVALID_STATE"),
        ({"on_hand": 10**9}, Movement(type=MovementType.RECEIVED, quantity=1), "INVALID_STATE"),
    ],
)
def test_what_stock_does_not_allow_is_refused(counters, movement, code):
    with pytest.raises(ConflictError) as refused:
        level(**counters).record(movement)
    assert refused.value.code == code


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001])
def test_a_quantity_is_positive_and_bounded(quantity):
    with pytest.raises(InvalidInputError):
        Movement(type=MovementType.RECEIVED, quantity=quantity)


def test_back_orders_are_promised_up_to_their_limit_and_not_shipped():
    state = level(backorder_limit=2).record(Movement(type=MovementType.RESERVED, quantity=2))
    assert state.available == 0
    state = state.record(Movement(type=MovementType.ALLOCATED, quantity=2))
    with pytest.raises(ConflictError):
        state.record(Movement(type=MovementType.SHIPPED, quantity=1))


def test_safety_stock_is_kept_from_new_promises_and_breaks_none():
    state = level(on_hand=5, reserved=4).record(
        Movement(type=MovementType.POLICY_SET, quantity=0, details=Policy(safety_stock=3).details())
    )
    assert state.available == -2
    with pytest.raises(ConflictError):
        state.record(Movement(type=MovementType.RESERVED, quantity=1))
    state = state.record(Movement(type=MovementType.ALLOCATED, quantity=4))
    assert state.record(Movement(type=MovementType.SHIPPED, quantity=4)).on_hand == 1


@pytest.mark.parametrize("figures", [{"safety_stock": -1}, {"backorder_limit": 1_000_001}, {"reorder_point": -1}])
def test_a_policy_has_possible_figures(figures):
    with pytest.raises(InvalidInputError):
        Policy(**figures)
