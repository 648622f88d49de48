"""What foreign pages may do: nothing unless asked first, and only from the origins that are allowed."""

from __future__ import annotations

from typing import Any

import pytest

from router.config import ConfigError
from router.config_file import parse_settings

HELLO = {"query": "{ hello }"}
SHOP = "https://shop.example"
CORS = "cors: {origins: ['https://shop.example'], credentials: true}"


async def test_a_simple_get_could_be_forged(connect: Any, engine: Any) -> None:
    response = await connect().get("/graphql", params=HELLO)

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "CSRF_ERROR"
    assert engine.asked == []


@pytest.mark.parametrize(
    "headers",
    [{"content-type": "application/json"}, {"apollo-require-preflight": "x"}, {"x-apollo-operation-name": "Q"}],
)
async def test_a_get_that_a_browser_asked_for_is_taken(connect: Any, headers: dict[str, str]) -> None:
    assert (await connect().get("/graphql", params=HELLO, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"apollo-require-preflight": ""}, {"content-type": "text/plain"}, {"cookie": "a=b"}]
)
async def test_what_a_page_can_send_unasked_proves_nothing(connect: Any, headers: dict[str, str]) -> None:
    assert (await connect().get("/graphql", params=HELLO, headers=headers)).status_code in (400, 415)


async def test_the_guard_can_be_switched_off(connect: Any) -> None:
    assert (await connect("csrf: {enabled: false}").get("/graphql", params=HELLO)).status_code == 200


async def test_no_origin_is_allowed_by_default(connect: Any) -> None:
    response = await connect().post("/graphql", json=HELLO, headers={"origin": SHOP})

    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_an_allowed_origin_may_read(connect: Any) -> None:
    response = await connect(CORS).post("/graphql", json=HELLO, headers={"origin": SHOP})

    assert response.headers["access-control-allow-origin"] == SHOP
    assert response.headers["access-control-allow-credentials"] == "true"
    assert response.headers["vary"] == "origin"


async def test_other_origins_may_not(connect: Any) -> None:
    client = connect(CORS)
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}

    plain = await client.post("/graphql", json=HELLO, headers=headers)
    asked = await client.options("/graphql", headers=headers)

    for response in (plain, asked):
        assert "access-control-allow-origin" not in response.headers
        assert response.headers["vary"] == "origin"


async def test_a_browser_is_told_what_it_may_send(connect: Any) -> None:
    headers = {
        "origin": SHOP,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }

    response = await connect(CORS).options("/graphql", headers=headers)

    assert response.status_code == 204
    assert response.headers.get_list("access-control-allow-origin") == [SHOP]
    assert response.headers["access-control-allow-headers"] == "content-type"
    assert response.headers["access-control-max-age"] == "7200"


async def test_any_origin_without_credentials(connect: Any) -> None:
    response = await connect("cors: {origins: ['*']}").post("/graphql", json=HELLO, headers={"origin": SHOP})

    assert response.headers["access-control-allow-origin"] == "*"
    assert "vary" not in response.headers


async def test_errors_carry_the_headers_too(connect: Any) -> None:
    response = await connect(CORS).post("/graphql", content=b"", headers={"origin": SHOP})

    assert response.status_code == 415
    assert response.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.shop.example", True),
        ("https://shop.example", True),
        ("https://a.shop.example.evil", False),
        ("https://ashop.example", False),
        ("null", False),
    ],
)
async def test_origins_can_be_allowed_by_a_pattern(connect: Any, origin: str, allowed: bool) -> None:
    client = connect(r"cors: {match_origins: ['https://([a-z]+\.)?shop\.example'], credentials: true}")

    answer = await client.post("/graphql", json={"query": "{ hello }"}, headers={"origin": origin})

    assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert answer.headers["vary"] == "origin"


def test_a_pattern_that_is_none_is_told() -> None:
    with pytest.raises(ConfigError, match="is no regular expression"):
        parse_settings("cors: {match_origins: ['(']}")


async def test_pages_may_call_into_a_private_network_only_where_that_is_set(connect: Any) -> None:
    asking = {"origin": "https://a.example", "access-control-request-private-network": "true"}
    answers = [
        await connect(f"cors: {{origins: ['*'], private_network: {value}}}").options("/graphql", headers=asking)
        for value in ("true", "false")
    ]

    assert [each.headers.get("access-control-allow-private-network") for each in answers] == ["true", None]
