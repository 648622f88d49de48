import pytest

from kernel.errors import InvalidInputError
from kernel.ids import PREFIXES, check_id, is_id, new_id


def test_ids_sort_by_birth_and_never_repeat():
    ids = [new_id("prod") for _ in range(2000)]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("prefix", sorted(PREFIXES))
def test_an_id_is_of_its_own_kind_only(prefix: str):
    made = new_id(prefix)
    assert check_id(prefix, made) == made
    assert [kind for kind in PREFIXES if is_id(kind, made)] == [prefix]


@pytest.mark.parametrize(
    "text", ["", "prod", "prod_", "prod_123", "PROD_" + "0" * 32, "prod_" + "G" * 32, "prod_" + "0" * 33]
)
def test_other_text_is_no_id(text: str):
    with pytest.raises(InvalidInputError, match="product"):
        check_id("prod", text)


def test_a_prefix_that_nobody_knows_is_a_mistake():
    with pytest.raises(ValueError, match="nonsense"):
        new_id("nonsense")
