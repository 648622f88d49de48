"""Vouchers over GraphQL: giving them out for administrators, evaluating and redeeming them for orders."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import strawberry

from kernel.errors import DomainError, InvalidInputError
from kernel.graphql import Money, MoneyInput, UserError, user_errors
from kernel.identity import require, require_service
from subgraphs.products.api.context import Info
from subgraphs.products.domain import vouchers as domain
from subgraphs.products.domain.pricing import FixedOff, PercentOff
from subgraphs.products.service import vouchers as service


@strawberry.type(description="A code that takes something off a purchase.")
class Voucher:
    """A code that takes something off a purchase."""

    code: str
    name: str
    percent: Decimal | None
    amounts: list[Money]
    starts_at: datetime
    ends_at: datetime | None
    minimum: Money | None
    usage_limit: int | None
    buyer_limit: int | None = strawberry.field(description="How often one buyer may use it.")

    @classmethod
    def of(cls, voucher: domain.Voucher) -> Voucher:
        """Show a voucher."""
        return cls(
            code=voucher.code,
            name=voucher.name,
            percent=voucher.reward.percent if isinstance(voucher.reward, PercentOff) else None,
            amounts=[Money.of(amount) for amount in voucher.reward.amounts]
            if isinstance(voucher.reward, FixedOff)
            else [],
            starts_at=voucher.starts_at,
            ends_at=voucher.ends_at,
            minimum=Money.maybe(voucher.minimum),
            usage_limit=voucher.usage_limit,
            buyer_limit=voucher.buyer_limit,
        )


@strawberry.type(description="A voucher after a change.")
class VoucherPayload:
    """A voucher after a change."""

    voucher: Voucher | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="A new voucher: a percentage, or an amount in each currency in which it counts.")
class VoucherCreateInput:
    """A new voucher."""

    code: str
    name: str
    starts_at: datetime
    ends_at: datetime | None = None
    percent: Decimal | None = None
    amounts: list[MoneyInput] | None = None
    minimum: MoneyInput | None = strawberry.field(default=None, description="What the goods must cost at least.")
    usage_limit: int | None = None
    buyer_limit: int | None = None

    def to_domain(self) -> domain.Voucher:
        """Read the voucher.

        Raises:
            InvalidInputError: it has no reward or two, or a limit below one.
        """
        if (self.percent is None) == (self.amounts is None):
            raise InvalidInputError("Give either a percentage or amounts.", path=("percent",))
        if self.starts_at.tzinfo is None or (self.ends_at is not None and self.ends_at.tzinfo is None):
            raise InvalidInputError("An instant needs a time zone.", path=("startsAt",))
        amounts = tuple(amount.to_domain("amounts") for amount in self.amounts or ())
        return domain.Voucher(
            code=domain.normal_code(self.code),
            name=self.name,
            reward=PercentOff(self.percent) if self.percent is not None else FixedOff(amounts),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            minimum=self.minimum.to_domain("minimum") if self.minimum else None,
            usage_limit=self.usage_limit,
            buyer_limit=self.buyer_limit,
        )


@strawberry.federation.input(inaccessible=True, description="For what and for whom a voucher is to count.")
class VoucherPurchaseInput:
    """For what and for whom a voucher is to count."""

    goods: MoneyInput
    customer_id: strawberry.ID | None = None
    email: str = ""

    def to_domain(self) -> service.Purchase:
        """Read the purchase."""
        return service.Purchase(self.goods.to_domain("purchase", "goods"), self.customer_id, self.email)


@strawberry.federation.type(inaccessible=True, description="What a voucher takes off a purchase.")
class VoucherEvaluation:
    """What a voucher takes off a purchase."""

    code: str | None = None
    name: str | None = None
    discount: Money | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.federation.type(inaccessible=True, description="What came of counting the use of a voucher.")
class VoucherUsePayload:
    """What came of counting the use of a voucher."""

    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class VoucherQuery:
    """Reads of vouchers."""

    @strawberry.federation.field(inaccessible=True, description="What a code takes off a purchase; counts nothing.")
    async def voucher_evaluate(self, info: Info, code: str, purchase: VoucherPurchaseInput) -> VoucherEvaluation:
        """Say what a code is worth."""
        require_service(info.context.caller)
        catalogue = info.context.service
        try:
            voucher, discount = await service.evaluate(catalogue.database, catalogue.clock, code, purchase.to_domain())
        except DomainError as error:
            return VoucherEvaluation(errors=user_errors(error))
        return VoucherEvaluation(code=voucher.code, name=voucher.name, discount=Money.of(discount))


@strawberry.type
class VoucherMutation:
    """Changes of vouchers."""

    @strawberry.mutation(description="Give a voucher out.")
    async def voucher_create(self, info: Info, input: VoucherCreateInput) -> VoucherPayload:
        """Give a voucher out."""
        require(info.context.caller, kinds={"admin"})
        try:
            voucher = input.to_domain()
            await service.create(info.context.service.database, voucher)
        except DomainError as error:
            return VoucherPayload(errors=user_errors(error))
        return VoucherPayload(voucher=Voucher.of(voucher))

    @strawberry.mutation(description="Let a voucher count no longer.")
    async def voucher_end(self, info: Info, code: str) -> VoucherPayload:
        """End a voucher."""
        require(info.context.caller, kinds={"admin"})
        catalogue = info.context.service
        try:
            ended = await service.end(catalogue.database, catalogue.clock, code)
        except DomainError as error:
            return VoucherPayload(errors=user_errors(error))
        return VoucherPayload(voucher=Voucher.of(ended))

    @strawberry.federation.mutation(inaccessible=True, description="Count the use of a voucher, once for each order.")
    async def voucher_redeem(
        self, info: Info, code: str, order_id: strawberry.ID, purchase: VoucherPurchaseInput
    ) -> VoucherUsePayload:
        """Count a use."""
        require_service(info.context.caller)
        catalogue = info.context.service
        try:
            await service.redeem(catalogue.database, catalogue.clock, code, order_id, purchase.to_domain())
        except DomainError as error:
            return VoucherUsePayload(errors=user_errors(error))
        return VoucherUsePayload()

    @strawberry.federation.mutation(inaccessible=True, description="Uncount the use of an order that came to nothing.")
    async def voucher_release(self, info: Info, order_id: strawberry.ID) -> VoucherUsePayload:
        """Uncount a use."""
        require_service(info.context.caller)
        await service.release(info.context.service.database, order_id)
        return VoucherUsePayload()
