"""The rules of accounts and address books, without any machine."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kernel.errors import InvalidInputError
from subgraphs.users.domain.accounts import Account, change_profile, checked_name, normalise_email
from subgraphs.users.domain.addresses import PostalFields
from subgraphs.users.domain.errors import WeakPasswordError
from subgraphs.users.domain.passwords import check_new_password
from subgraphs.users.domain.roles import Role, scopes_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA = Account(
    id="usr_1",
    email="ada@example.com",
    name="Ada",
    phone="+44 20 1234",
    language="en",
    roles=frozenset({Role.CUSTOMER}),
    version=1,
    created_at=NOW,
    updated_at=NOW,
)
HOME = PostalFields(name="Ada", line1="1 Main St", city="London", postal_code="N1", country="GB")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("ada+shop@sub.example.co.uk", "ada+shop@sub.example.co.uk"),
        ("jürgen@müller.de", "jürgen@xn--mller-kva.de"),
    ],
)
def test_an_address_has_one_form(written, kept):
    assert normalise_email(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@localhost",
        "a b@example.com",
        "ada@exa mple.com",
        "ada@-x.com",
        "ada@example.com\nbcc:x@y.com",
        "a" * 65 + "@example.com",
        "ada@" + "x" * 250 + ".com",
    ],
)
def test_what_is_no_address_is_refused(written):
    with pytest.raises(InvalidInputError) as refusal:
        normalise_email(written)

    assert refusal.value.path == ("input", "email")


def test_normalising_twice_changes_nothing():
    once = normalise_email("JÜRGEN@MÜLLER.de")

    assert normalise_email(once) == once


def test_a_password_is_measured_in_characters_and_kept_in_one_spelling():
    composed, decomposed = "pässwört", "pa\u0308sswo\u0308rt"

    assert check_new_password(decomposed, email="x@y.zz") == check_new_password(composed, email="x@y.zz") == composed


@pytest.mark.parametrize("password", ["short", "x" * 257, "ada@example.com", "ADA@example.com"])
def test_a_weak_password_is_refused(password):
    with pytest.raises(WeakPasswordError):
        check_new_password(password, email="ada@example.com")


def test_a_name_is_tidied_and_may_not_be_empty():
    assert checked_name("  Ada \t Lovelace ") == "Ada Lovelace"
    for text in ("", "   ", "x" * 201, "Ada\x00"):
        with pytest.raises(InvalidInputError):
            checked_name(text)


def test_a_change_of_profile_names_what_really_changed():
    after, changed = change_profile(ADA, {"name": "Ada", "phone": None, "language": "de-AT"})

    assert changed == ("phone", "language")
    assert (after.name, after.phone, after.language) == ("Ada", None, "de-AT")


@pytest.mark.parametrize("wanted", [{"name": None}, {"language": None}, {"language": "english"}, {"phone": "call me"}])
def test_a_profile_cannot_become_wrong(wanted):
    with pytest.raises(InvalidInputError) as refusal:
        change_profile(ADA, wanted)

    assert refusal.value.path == ("input", next(iter(wanted)))


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"country": "gb"}, "country"),
        ({"line1": " "}, "line1"),
        ({"postal_code": "x" * 21}, "postalCode"),
        ({"city": None}, "city"),
        ({"phone": "none"}, "phone"),
    ],
)
def test_an_address_cannot_become_wrong(wanted, field):
    with pytest.raises(InvalidInputError) as refusal:
        HOME.changed(wanted)

    assert refusal.value.path == ("input", field)


def test_a_customer_has_no_scopes_and_an_administrator_has_all():
    everything = scopes_of(Role)

    assert scopes_of({Role.CUSTOMER}) == frozenset()
    assert scopes_of({Role.ADMIN}) == everything
    assert scopes_of({Role.STAFF, Role.WAREHOUSE}) < everything
