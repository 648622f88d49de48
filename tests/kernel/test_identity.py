import jwt
import pytest

from kernel.errors import ForbiddenError, UnauthenticatedError
from kernel.identity import (
    ANONYMOUS,
    Caller,
    InternalTokenSigner,
    InternalTokenVerifier,
    require,
    require_owner,
    require_service,
)

KEY = "k" * 40
ANNA = Caller(
    id="usr_1", kind="customer", roles=frozenset({"buyer"}), scopes=frozenset({"read:me"}), email="a@example.com"
)
STAFF = Caller(id="usr_2", kind="staff")
ADMIN = Caller(id="usr_3", kind="admin")


class Time:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("caller", [ANONYMOUS, ANNA, STAFF, ADMIN, Caller.service("orders")])
def test_a_caller_arrives_as_sent(caller: Caller):
    token = InternalTokenSigner(KEY).sign(caller, "orders")
    assert InternalTokenVerifier(KEY, audience="orders").verify_header(f"Bearer {token}") == caller


def test_a_token_opens_one_subgraph_only():
    token = InternalTokenSigner(KEY).sign(ANNA, "orders")
    with pytest.raises(UnauthenticatedError):
        InternalTokenVerifier(KEY, audience="users").verify(token)


def test_a_token_of_another_key_or_without_one_is_refused():
    verifier = InternalTokenVerifier(KEY, audience="orders")
    forged = InternalTokenSigner("x" * 40).sign(ADMIN, "orders")
    claims = jwt.decode(forged, options={"verify_signature": False})
    for token in (forged, jwt.encode(claims, "", algorithm="none"), forged[:-2], "", "a.b.c"):
        with pytest.raises(UnauthenticatedError):
            verifier.verify(token)


@pytest.mark.parametrize("change", [{"kind": "god"}, {"kind": None}, {"exp": None}, {"iss": "other"}, {"roles": 5}])
def test_claims_that_are_not_ours_are_refused(change: dict):
    token = InternalTokenSigner(KEY).sign(ANNA, "orders")
    claims = jwt.decode(token, KEY, algorithms=["HS256"], audience="orders") | change
    bad = jwt.encode({name: value for name, value in claims.items() if value is not None}, KEY)
    with pytest.raises(UnauthenticatedError):
        InternalTokenVerifier(KEY, audience="orders").verify(bad)


def test_a_token_dies_even_when_it_is_remembered():
    time = Time()
    verifier = InternalTokenVerifier(KEY, audience="orders", now=time)
    token = InternalTokenSigner(KEY, lifetime=60, now=time).sign(ANNA, "orders")
    assert verifier.verify(token) == ANNA
    time.now += 59
    assert verifier.verify(token) == ANNA
    time.now += 1
    with pytest.raises(UnauthenticatedError, match="expired"):
        verifier.verify(token)


def test_one_token_serves_for_half_its_life():
    time = Time()
    signer = InternalTokenSigner(KEY, lifetime=60, now=time)
    token = signer.sign(ANNA, "orders")
    time.now += 29
    assert signer.sign(ANNA, "orders") == token
    assert signer.sign(ANNA, "users") != token
    time.now += 1
    assert signer.sign(ANNA, "orders") != token


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc"])
def test_a_header_without_a_bearer_token_is_refused(header: str | None):
    with pytest.raises(UnauthenticatedError):
        InternalTokenVerifier(KEY, audience="orders").verify_header(header)


def test_nobody_passes_where_somebody_is_needed():
    for caller in (ANONYMOUS, Caller(kind="customer")):
        with pytest.raises(UnauthenticatedError):
            require(caller)


def test_kinds_roles_and_scopes_are_each_needed():
    assert require(ANNA, kinds={"customer"}, roles={"buyer", "x"}, scopes={"read:me"}) == "usr_1"
    for demand in ({"kinds": {"staff"}}, {"roles": {"vendor"}}, {"scopes": {"read:me", "write:me"}}):
        with pytest.raises(ForbiddenError):
            require(ANNA, **demand)


def test_an_administrator_has_every_role_and_a_kind_is_a_role_except_that_of_all_who_work_here():
    assert require(ADMIN, roles={"vendor"}) == "usr_3"
    assert require(Caller(id="usr_4", kind="vendor"), roles={"vendor"}) == "usr_4"
    for role, passes in {"staff": True, "warehouse": False, "support": False}.items():
        caller = Caller(id="usr_5", kind="staff", roles=frozenset({role}))
        assert caller.has_any_role({"staff"}) == passes


def test_services_owners_and_staff():
    assert require_service(Caller.service("orders")) == "orders"
    with pytest.raises(ForbiddenError):
        require_service(ADMIN)
    for caller in (ANNA, STAFF, ADMIN, Caller.service("orders")):
        require_owner(caller, "usr_1")
    with pytest.raises(ForbiddenError):
        require_owner(ANNA, "usr_9")
    with pytest.raises(ForbiddenError):
        require_owner(ANNA, None)
    with pytest.raises(UnauthenticatedError):
        require_owner(ANONYMOUS, None)
