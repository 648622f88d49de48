"""Who may do what through GraphQL, and at which cost."""

import pytest

from kernel.database import count_statements
from kernel.identity import ANONYMOUS, Caller

ORDERS = Caller.service("orders")
BUYER = Caller(id="usr_1", kind="customer")
OTHER = Caller(id="usr_2", kind="customer")
STAFF = Caller(id="usr_9", kind="staff", scopes=frozenset({"payments:refund"}))

PROCESS = """
mutation ($input: PaymentProcessInput!, $key: String!) {
  paymentProcess(input: $input, idempotencyKey: $key) {
    payment { id status declineCode retryable amount { amount currency } }
    errors { code message }
  }
}
"""
REFUND = """
mutation ($id: ID!, $key: String!, $amount: MoneyInput) {
  paymentRefund(paymentId: $id, idempotencyKey: $key, amount: $amount) {
    refund { status amount { amount } }
    errors { __typename code ... on RefundTooLargeError { refundable { amount } } }
  }
}
"""
OF_ORDERS = """
query ($orders: [_Any!]!) {
  _entities(representations: $orders) {
    ... on Order { id payments { id status refunds { id } events { kind } } }
  }
}
"""


def charge(token="tok_approve", amount="20.00"):
    return {
        "orderId": "ord_1",
        "customerId": "usr_1",
        "token": token,
        "amount": {"amount": amount, "currency": "EUR"},
    }


async def run(subgraph, document, caller, **variables):
    result = await subgraph.executor.execute(document, variables, caller=caller)
    assert not result.errors, result.errors
    return result.data


async def test_a_service_charges_and_finds_the_payment_by_its_key(payments):
    data = await run(payments, PROCESS, ORDERS, input=charge(), key="k1")
    payment = data["paymentProcess"]["payment"]
    assert (payment["status"], payment["amount"]) == ("CAPTURED", {"amount": "20.00", "currency": "EUR"})
    found = await run(payments, '{ paymentByKey(idempotencyKey: "k1") { id } }', ORDERS)
    assert found["paymentByKey"]["id"] == payment["id"]


async def test_a_decline_is_a_payment_and_not_an_error(payments):
    data = await run(payments, PROCESS, ORDERS, input=charge("tok_decline_insufficient_funds"), key="k1")
    payment = data["paymentProcess"]["payment"]
    assert (payment["status"], payment["declineCode"], payment["retryable"]) == (
        "DECLINED",
        "insufficient_funds",
        True,
    )
    assert data["paymentProcess"]["errors"] == []


async def test_amounts_finer_than_the_currency_are_refused(payments):
    data = await run(payments, PROCESS, ORDERS, input=charge(amount="1.005"), key="k1")
    assert data["paymentProcess"]["payment"] is None
    assert data["paymentProcess"]["errors"][0]["code"] == "INVALID_INPUT"


@pytest.mark.parametrize(
    ("caller", "code"), [(ANONYMOUS, "UNAUTHENTICATED"), (BUYER, "FORBIDDEN"), (STAFF, "FORBIDDEN")]
)
async def test_only_services_charge_and_ask(payments, caller, code):
    for document in (PROCESS, "query ($key: String!) { paymentByKey(idempotencyKey: $key) { id } }"):
        result = await payments.executor.execute(document, {"input": charge(), "key": "k1"}, caller=caller)
        assert code in str(result.to_builtins())


async def test_staff_refunds_and_is_told_what_is_left(payments):
    data = await run(payments, PROCESS, ORDERS, input=charge(), key="k1")
    payment = data["paymentProcess"]["payment"]["id"]
    some = await run(payments, REFUND, STAFF, id=payment, key="r1", amount={"amount": "5", "currency": "EUR"})
    assert some["paymentRefund"]["refund"] == {"status": "SUCCEEDED", "amount": {"amount": "5.00"}}
    more = await run(payments, REFUND, STAFF, id=payment, key="r2", amount={"amount": "16", "currency": "EUR"})
    assert more["paymentRefund"]["errors"] == [
        {"__typename": "RefundTooLargeError", "code": "REFUND_TOO_LARGE", "refundable": {"amount": "15.00"}}
    ]


@pytest.mark.parametrize("caller", [BUYER, Caller(id="usr_9", kind="staff", roles=frozenset({"staff", "support"}))])
async def test_neither_buyers_nor_who_lacks_the_scope_refund(payments, caller):
    result = await payments.executor.execute(REFUND, {"id": "pay_1", "key": "r"}, caller=caller)
    assert "FORBIDDEN" in str(result.to_builtins())


@pytest.mark.parametrize(("caller", "seen"), [(BUYER, 1), (STAFF, 1), (OTHER, 0), (ANONYMOUS, 0)])
async def test_only_its_buyer_and_staff_see_a_payment(payments, caller, seen):
    await run(payments, PROCESS, ORDERS, input=charge(), key="k1")
    data = await run(payments, OF_ORDERS, caller, orders=[{"__typename": "Order", "id": "ord_1"}])
    assert len(data["_entities"][0]["payments"]) == seen


@pytest.mark.parametrize("orders", [1, 10])
async def test_payments_of_any_number_of_orders_cost_three_statements(payments, orders, clock):
    for at in range(orders):
        await run(payments, PROCESS, ORDERS, input={**charge(), "orderId": f"ord_{at}"}, key=f"k{at}")
    wanted = [{"__typename": "Order", "id": f"ord_{at}"} for at in range(orders)]
    with count_statements(payments.database) as counted:
        data = await run(payments, OF_ORDERS, BUYER, orders=wanted)
    assert [len(order["payments"]) for order in data["_entities"]] == [1] * orders
    assert counted.total == 3


async def test_the_job_is_part_of_the_subgraph(payments):
    assert [job.name for job in payments.jobs] == ["payments.settle", "payments.sandbox"]


CAPTURE = """
mutation ($id: ID!, $key: String!, $amount: MoneyInput) {
  paymentCapture(paymentId: $id, idempotencyKey: $key, amount: $amount) {
    payment { status captured { amount } } errors { code }
  }
}
"""
VOID = 'mutation ($id: ID!) { paymentVoid(paymentId: $id, idempotencyKey: "v") { payment { status } errors { code } } }'
SEARCH = """
query ($where: PaymentWhere, $first: Int, $after: String) {
  payments(where: $where, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id status provider providerReference fees { amount } order { id } action { url } chargebacks { id } }
  }
}
"""
STAFF_READS = [
    "{ payments { nodes { id } } }",
    '{ payment(id: "pay_x") { id } }',
    "{ ledgerBalances { account } }",
    '{ paymentReconciliation(since: "2026-06-01T00:00:00Z", until: "2026-06-02T00:00:00Z") { undecided } }',
    "{ paymentWebhooks { id } }",
]


async def held(payments):
    data = await run(payments, PROCESS, ORDERS, input={**charge(), "capture": False}, key="held")
    return data["paymentProcess"]["payment"]["id"]


async def test_staff_captures_a_part_of_what_is_held(payments):
    payment = await held(payments)
    too_much = {"amount": "20.01", "currency": "EUR"}
    data = await run(payments, CAPTURE, STAFF, id=payment, key="c", amount=too_much)
    assert data["paymentCapture"]["errors"] == [{"code": "INVALID_INPUT"}]
    data = await run(payments, CAPTURE, STAFF, id=payment, key="c", amount={"amount": "5.00", "currency": "EUR"})
    assert data["paymentCapture"] == {"payment": {"status": "CAPTURED", "captured": {"amount": "5.00"}}, "errors": []}
    data = await run(payments, VOID, STAFF, id=payment)
    assert data["paymentVoid"]["errors"] == [{"code": "INVALID_STATE"}]


async def test_staff_searches_payments_page_by_page(payments):
    for at in range(3):
        await run(payments, PROCESS, ORDERS, input={**charge("tok_fee"), "orderId": f"ord_{at}"}, key=f"k{at}")
    page = (await run(payments, SEARCH, STAFF, first=2))["payments"]
    assert (page["totalCount"], len(page["nodes"]), page["pageInfo"]["hasNextPage"]) == (3, 2, True)
    rest = (await run(payments, SEARCH, STAFF, first=2, after=page["pageInfo"]["endCursor"]))["payments"]
    assert len(rest["nodes"]) == 1
    found = (await run(payments, SEARCH, STAFF, where={"orderId": "ord_1", "statusIn": ["CAPTURED"]}))["payments"]
    [one] = found["nodes"]
    assert (one["provider"], one["fees"], one["order"]) == ("sandbox", {"amount": "0.40"}, {"id": "ord_1"})
    balances = (await run(payments, "{ ledgerBalances { account balance { amount } } }", STAFF))["ledgerBalances"]
    assert {each["account"]: each["balance"]["amount"] for each in balances} == {
        "CUSTOMER_ORDERS": "-60.00",
        "FEES": "1.20",
        "PROVIDER_CLEARING": "58.80",
    }


@pytest.mark.parametrize("document", STAFF_READS)
@pytest.mark.parametrize("caller", [ANONYMOUS, BUYER])
async def test_the_books_are_for_staff(payments, document, caller):
    result = await payments.executor.execute(document, caller=caller)
    assert result.errors[0]["extensions"]["code"] in {"UNAUTHENTICATED", "FORBIDDEN"}


@pytest.mark.parametrize("document", STAFF_READS)
async def test_staff_reads_the_books(payments, document):
    await run(payments, document, STAFF)


async def test_a_buyer_sees_the_step_and_nothing_of_the_provider(payments):
    await run(payments, PROCESS, ORDERS, input=charge("tok_3ds"), key="k")
    document = """query ($orders: [_Any!]!) { _entities(representations: $orders) { ... on Order {
        payments { status action { url } provider providerReference fees { amount } refundable { amount } } } } }"""
    data = await run(payments, document, BUYER, orders=[{"__typename": "Order", "id": "ord_1"}])
    [payment] = data["_entities"][0]["payments"]
    assert payment["action"]["url"].startswith("/payments/sandbox/")
    assert (payment["provider"], payment["providerReference"], payment["fees"]) == (None, None, None)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"token": "4111 1111 1111 1111"}, "INVALID_INPUT"),
        ({"amount": {"amount": "-1.00", "currency": "EUR"}}, "INVALID_INPUT"),
        ({"amount": {"amount": "1.00", "currency": "XTS"}}, "INVALID_INPUT"),
        ({"amount": {"amount": "1e40", "currency": "EUR"}}, "INVALID_INPUT"),
    ],
)
async def test_bad_input_is_refused_and_nothing_is_kept(payments, change, code):
    result = await payments.executor.execute(PROCESS, {"input": {**charge(), **change}, "key": "k"}, caller=ORDERS)
    if result.errors:
        assert result.errors[0]["extensions"]["code"] == code
    else:
        assert result.data["paymentProcess"]["errors"][0]["code"] == code
    assert (await run(payments, SEARCH, STAFF))["payments"]["totalCount"] == 0
