"""The kit prints the same in every schema, and turns values of the domain into those of the schema."""

import re
from decimal import Decimal

import pytest
import strawberry

from kernel import errors
from kernel.graphql import (
    ConflictError,
    Connection,
    CurrencyCode,
    ErrorCode,
    ForbiddenError,
    InvalidInputError,
    Money,
    MoneyInput,
    NotFoundError,
    TaxedMoney,
    UserError,
    build_schema,
    connection,
    user_errors,
)
from kernel.money import Money as Amount
from kernel.pagination import Slice


@strawberry.federation.type(keys=["id"])
class Shoe:
    id: strawberry.ID


@strawberry.federation.type(keys=["id"])
class Hat:
    id: strawberry.ID
    total: TaxedMoney


@strawberry.type
class OutOfShoesError(UserError):
    left: int


@strawberry.type
class Payload:
    shoe: Shoe | None
    errors: list[UserError]


@strawberry.type
class ShoeQuery:
    @strawberry.field
    def shoes(self) -> Connection[Shoe]:
        async def count() -> int:
            counted.append(1)
            return 7

        counted.clear()
        return connection(
            Slice((Shoe(id=strawberry.ID("1")),), ("c1",), has_next=True, has_previous=False), count=count
        )

    @strawberry.field
    def price(self, limit: MoneyInput) -> Money:
        return Money.of(limit.to_domain("limit"))


@strawberry.type
class HatQuery:
    @strawberry.field
    def hats(self) -> Connection[Hat]:
        return connection(Slice((), (), has_next=False, has_previous=False))


@strawberry.type
class Mutation:
    @strawberry.mutation
    def buy(self) -> Payload:
        return Payload(
            shoe=None,
            errors=[OutOfShoesError(code=ErrorCode.INSUFFICIENT_STOCK, message="None left.", path=["sku"], left=0)],
        )


@strawberry.type
class OtherMutation:
    @strawberry.mutation
    def wear(self) -> list[UserError]:
        return []


counted: list[int] = []
SHOES = build_schema(ShoeQuery, Mutation, types=[OutOfShoesError])
HATS = build_schema(HatQuery, OtherMutation)


def definitions(sdl: str) -> dict[str, str]:
    blocks = re.split(r"\n\n(?=\"\"\"|type |interface |enum |scalar |union |input |extend )", sdl)
    named = (
        (re.search(r"^(?:type|interface|enum|scalar|input) (\w+)", block, re.MULTILINE), block) for block in blocks
    )
    return {found[1]: block.strip() for found, block in named if found}


def test_what_two_schemas_share_they_print_alike():
    shoes, hats = definitions(SHOES.as_str()), definitions(HATS.as_str())
    shared = set(shoes) & set(hats) - {"Query", "Mutation"}
    assert {"PageInfo", "Money", "Decimal", "CurrencyCode", "UserError", "ErrorCode", "ConflictError"} <= shared
    for name in shared:
        assert shoes[name] == hats[name]
    for name in ("PageInfo", "Money", "ConflictError", "NotFoundError", "ForbiddenError", "InvalidInputError"):
        assert "@shareable" in shoes[name]


def test_connections_are_named_after_their_nodes():
    assert {"ShoeConnection", "ShoeEdge"} <= set(definitions(SHOES.as_str()))


async def test_the_total_is_counted_only_when_asked_for():
    query = "{ shoes { nodes { id } edges { cursor } pageInfo { hasNextPage startCursor endCursor } %s } }"
    plain = await SHOES.execute(query % "")
    assert plain.data["shoes"] == {
        "nodes": [{"id": "1"}],
        "edges": [{"cursor": "c1"}],
        "pageInfo": {"hasNextPage": True, "startCursor": "c1", "endCursor": "c1"},
    }
    assert counted == []
    assert (await SHOES.execute(query % "totalCount")).data["shoes"]["totalCount"] == 7
    assert (await HATS.execute("{ hats { totalCount } }")).data == {"hats": {"totalCount": None}}


async def test_errors_of_a_mutation_are_typed_data():
    result = await SHOES.execute(
        "mutation { buy { shoe { id } errors { __typename code message path ... on OutOfShoesError { left } } } }"
    )
    assert result.data["buy"]["errors"] == [
        {
            "__typename": "OutOfShoesError",
            "code": "INSUFFICIENT_STOCK",
            "message": "None left.",
            "path": ["sku"],
            "left": 0,
        }
    ]


@pytest.mark.parametrize(
    ("raised", "shown"),
    [
        (errors.InvalidInputError("m", path=["a"]), InvalidInputError),
        (errors.NotFoundError("m"), NotFoundError),
        (errors.ConflictError("m", code="STALE_VERSION"), ConflictError),
        (errors.ForbiddenError("m"), ForbiddenError),
        (errors.DomainError("m", code="CART_EMPTY"), InvalidInputError),
    ],
)
def test_domain_errors_become_the_shared_types(raised: errors.DomainError, shown: type):
    (error,) = user_errors(raised)
    assert isinstance(error, shown)
    assert (error.code, error.message) == (ErrorCode(raised.code), "m")
    assert error.path == (list(raised.path) or None)


def test_a_subgraphs_own_errors_become_its_own_types():
    class Gone(errors.ConflictError):
        pass

    class LongGone(Gone):
        pass

    special = {Gone: lambda e: OutOfShoesError(code=ErrorCode.CONFLICT, message=e.message, left=0)}
    assert isinstance(user_errors(LongGone("m"), special=special)[0], OutOfShoesError)
    assert isinstance(user_errors(errors.ConflictError("m"), special=special)[0], ConflictError)


def test_being_unknown_belongs_to_the_top_level():
    with pytest.raises(errors.UnauthenticatedError):
        user_errors(errors.UnauthenticatedError("m"))


def test_a_code_that_is_not_in_the_schema_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="NONSENSE"):
        user_errors(errors.ConflictError("m", code="NONSENSE"))


def test_each_error_code_spells_its_own_name():
    assert [code.name for code in ErrorCode] == sorted(code.value for code in ErrorCode)


def test_money_is_shown_in_major_units():
    assert Money.of_minor(1250, "EUR") == Money(amount=Decimal("12.50"), currency=CurrencyCode("EUR"))
    assert Money.maybe(None) is None
    assert Money.maybe(Amount(5, "JPY")).amount == Decimal(5)
    taxed = TaxedMoney.of(Amount(100, "EUR"), Amount(19, "EUR"))
    assert taxed.gross == Money.of_minor(119, "EUR")


@pytest.mark.parametrize(
    ("limit", "shown"), [('{amount: "1.5", currency: "EUR"}', "1.50"), ('{amount: "15", currency: "JPY"}', "15")]
)
async def test_money_is_read_as_decimal_text(limit: str, shown: str):
    result = await SHOES.execute(f"{{ price(limit: {limit}) {{ amount }} }}")
    assert result.data == {"price": {"amount": shown}}


@pytest.mark.parametrize("limit", ['{amount: "1.5", currency: "EURO"}', '{amount: "x", currency: "EUR"}'])
async def test_what_is_no_money_fails_validation(limit: str):
    assert (await SHOES.execute(f"{{ price(limit: {limit}) {{ amount }} }}")).errors


def test_money_finer_than_its_currency_names_its_path():
    with pytest.raises(errors.InvalidInputError) as caught:
        MoneyInput(amount=Decimal("1.234"), currency=CurrencyCode("EUR")).to_domain("input", "price")
    assert caught.value.path == ("input", "price", "amount")
