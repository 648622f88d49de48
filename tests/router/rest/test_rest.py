"""REST requests: what becomes of their parameters and bodies, and with which status they are answered."""

from __future__ import annotations

from typing import Any

import pytest

from router.policy.identity import Identity

ADMIN, CUSTOMER = Identity("1", "admin", frozenset({"admin"})), Identity("2", "customer", frozenset({"customer"}))


TOKENS = {b"Bearer admin": ADMIN, b"Bearer customer": CUSTOMER}


class Tokens:
    """Takes the names of callers for tokens."""

    def remembered(self, authorization: bytes | None) -> Identity:
        return TOKENS.get(authorization or b"", Identity(None, "anonymous"))


@pytest.fixture
def api(serve: Any) -> Any:
    return serve(verifier=Tokens())


def signed_in(name: str = "admin") -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}


async def test_a_path_goes_into_a_variable(api: Any, lamps: Any) -> None:
    response = await api.get("/lamps/a%20b")

    assert response.status_code == 200
    assert response.json() == {"id": "a b", "name": "Lamp", "weight": None, "colour": "RED"}
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert lamps.asked == [{"id": "a b"}]


async def test_what_is_left_of_a_get_comes_from_the_query_string(api: Any, lamps: Any) -> None:
    await api.get("/lamps/1?on=true")

    assert lamps.asked == [{"id": "1", "on": True}]


async def test_a_segment_that_is_spelt_out_goes_before_a_placeholder(api: Any) -> None:
    assert (await api.get("/lamps/search?q=desk")).json()["total"] == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=desk", {"words": "desk"}),
        ("q=desk+lamp&limit=-3&rate=1.5e2", {"words": "desk lamp", "limit": -3, "rate": 150.0}),
        ("q=&colour=RED,GREEN", {"words": "", "colours": ["RED", "GREEN"]}),
        ("q=a&colour=RED&colour=GREEN", {"words": "a", "colours": ["RED", "GREEN"]}),
        ("q=a&weight=10..50", {"words": "a", "weight": {"min": "10", "max": "50", "unit": "g"}}),
        ("q=a&weight=10-50&unit=kg", {"words": "a", "weight": {"min": "10", "max": "50", "unit": "kg"}}),
        ("q=a&weight=..2.5", {"words": "a", "weight": {"max": "2.5", "unit": "g"}}),
        ("q=a&weight=7..", {"words": "a", "weight": {"min": "7", "unit": "g"}}),
    ],
)
async def test_parameters_get_the_types_of_their_variables(
    api: Any, lamps: Any, query: str, expected: dict[str, Any]
) -> None:
    response = await api.get(f"/lamps/search?{query}")

    assert response.status_code == 200, response.text
    assert lamps.asked[0] == expected


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "q"),
        ("q=a&limit=ten", "limit"),
        ("q=a&limit=1.5", "limit"),
        ("q=a&limit=1&limit=2", "limit"),
        ("q=a&rate=nan", "rate"),
        ("q=a&colour=BLUE", "colour"),
        ("q=a&weight=..", "weight"),
        ("q=a&weight=50,10", "weight"),
        ("q=a&colr=RED", "colr"),
        ("q=%ff", "query string"),
        ("q=a&" + "&".join(f"a{index}=" for index in range(100)), "query string"),
    ],
)
async def test_a_parameter_that_does_not_fit_is_named(api: Any, lamps: Any, query: str, parameter: str) -> None:
    response = await api.get(f"/lamps/search?{query}")

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json; charset=utf-8"
    problem = response.json()
    assert (problem["status"], problem["code"]) == (400, "INVALID_REQUEST")
    assert problem["errors"][0]["parameter"] == parameter
    assert not lamps.asked


async def test_a_number_beyond_its_range_is_refused(api: Any) -> None:
    response = await api.get("/lamps/search?q=a&limit=99999999999")

    assert (response.status_code, response.json()["code"]) == (400, "BAD_USER_INPUT")


async def test_what_was_created_is_told_with_its_place(api: Any, lamps: Any) -> None:
    headers = {"Idempotency-Key": '"k 1"'} | signed_in()

    response = await api.post("/lamps", json={"name": "New", "tags": ["a"]}, headers=headers)

    assert response.status_code == 201
    assert response.headers["location"] == "/lamps/a%20b%2F%C3%A9"
    assert response.json()["name"] == "New"
    assert lamps.asked == [{"draft": {"name": "New", "tags": ["a"], "colour": "RED"}, "key": "k 1"}]


async def test_keys_of_a_body_go_into_their_variables(api: Any, lamps: Any) -> None:
    response = await api.put("/lamps/7/switch", json={"on": False}, headers=signed_in("customer"))

    assert (response.status_code, response.json()) == (200, {"id": "7"})
    assert lamps.asked == [{"id": "7", "on": False, "level": 3}]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/lamps", b'{"name": 5}', 400, "BAD_USER_INPUT"),
        ("POST", "/lamps", b'{"name": "a", "size": 5}', 400, "BAD_USER_INPUT"),
        ("POST", "/lamps", b"", 400, "INVALID_REQUEST"),
        ("POST", "/lamps", b"{", 400, "INVALID_REQUEST"),
        ("PUT", "/lamps/7/switch", b"[]", 400, "INVALID_REQUEST"),
        ("PUT", "/lamps/7/switch", b"{}", 400, "INVALID_REQUEST"),
        ("PUT", "/lamps/7/switch", b'{"on": true, "off": false}', 400, "INVALID_REQUEST"),
        ("PUT", "/lamps/7/switch", b'{"on": "yes"}', 400, "BAD_USER_INPUT"),
        ("POST", "/lamps", b'{"name": "' + b"a" * 2_100_000 + b'"}', 413, "PAYLOAD_TOO_LARGE"),
    ],
)
async def test_a_body_that_does_not_fit(
    api: Any, lamps: Any, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    headers = {"content-type": "application/json"} | signed_in()

    response = await api.request(method, path, content=body, headers=headers)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert not lamps.asked


async def test_other_bodies_than_json_are_not_read(api: Any) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"} | signed_in()

    files = {"on": ("a", b"true")}
    assert (await api.put("/lamps/7/switch", content=b"on=true", headers=form)).status_code == 415
    assert (await api.put("/lamps/7/switch", files=files, headers=signed_in())).status_code == 415
    assert (await api.post("/lamps", content=b"name=a", headers=form)).json()["code"] == "CSRF_ERROR"


async def test_who_may_use_a_route(api: Any) -> None:
    body = {"name": "a"}
    answers = [
        await api.post("/lamps", json=body),
        await api.post("/lamps", json=body, headers=signed_in("customer")),
        await api.post("/lamps", json=body, headers=signed_in("admin")),
        await api.put("/lamps/7/switch", json={"on": True}),
        await api.put("/lamps/7/switch", json={"on": True}, headers=signed_in("customer")),
    ]

    assert [each.status_code for each in answers] == [401, 403, 201, 401, 200]
    assert answers[0].headers["www-authenticate"] == "Bearer"
    assert answers[1].json()["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("code", "status"),
    [("INVALID_INPUT", 400), ("NOT_FOUND", 404), ("CONFLICT", 409), ("DUPLICATE", 409), ("ELSE", 422)],
)
async def test_errors_of_a_payload_become_statuses(api: Any, code: str, status: int) -> None:
    response = await api.post("/lamps", json={"name": code}, headers=signed_in())

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["errors"] == [{"code": code, "message": f"It is {code}."}]


async def test_the_payload_itself_can_be_the_answer(api: Any) -> None:
    proof = {"apollo-require-preflight": "1"}

    assert (await api.post("/open/1", headers=proof)).json() == {"lamp": {"id": "1"}}
    assert (await api.post("/open/off", headers=proof)).json()["code"] == "OFF"
    assert (await api.post("/open/1")).json()["code"] == "CSRF_ERROR"


@pytest.mark.parametrize(
    ("code", "status"), [("FORBIDDEN", 403), ("UNAUTHENTICATED", 401), ("RATE_LIMITED", 429), ("ODD", 500)]
)
async def test_errors_of_the_operation_become_statuses(api: Any, code: str, status: int) -> None:
    response = await api.get(f"/failing/{code}")

    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_nothing_there_is_404(api: Any) -> None:
    assert (await api.get("/lamps/none")).json()["code"] == "NOT_FOUND"
    assert (await api.get("/lamps/1/2/3")).status_code == 404
    assert (await api.get("/lamps")).status_code == 405
    assert (await api.get("/lamps/")).status_code == 405


async def test_other_methods_are_told(api: Any) -> None:
    response = await api.delete("/lamps/1")

    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


async def test_browsers_of_other_origins_ask_first(serve: Any) -> None:
    api = serve(settings="cors: {origins: [https://shop.example]}")
    asking = {"origin": "https://shop.example", "access-control-request-method": "PUT"}

    answer = await api.options("/lamps/7/switch", headers=asking)

    assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, "PUT")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


async def test_a_request_has_one_id_everywhere(api: Any, lamps: Any) -> None:
    response = await api.get("/lamps/1")

    assert lamps.headers["x-request-id"] == response.headers["x-request-id"]
