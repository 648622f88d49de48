"""Sessions of browsers: cookies that scripts cannot read, proof against forged requests, and where people are sent."""

from __future__ import annotations

from http.cookies import SimpleCookie

import httpx
import pytest

from kernel.app import create_app
from router.policy.identity import ForgedRequestError, TokenVerifier, credentials, insist_on_own_page
from router.policy.keys import KeySet
from subgraphs.users.domain.identities import safe_return_path

LOGIN = {"email": "ada@example.com", "password": "correct horse battery"}
SHOP = "http://localhost:4000"


@pytest.fixture
async def browser(world):
    """A browser; its cookies are kept by hand, since it would not send secure ones without TLS."""
    await world.register("ada@example.com")
    app = create_app(world.subgraph, internal_key="k" * 32)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SHOP) as client:
        yield client


def cookies_of(answer):
    jar = SimpleCookie()
    for each in answer.headers.get_list("set-cookie"):
        jar.load(each)
    return jar


def sent(jar, *names):
    return {"cookie": "; ".join(f"{name}={each.value}" for name, each in jar.items() if not names or name in names)}


async def log_in(browser):
    answer = await browser.post("/auth/login", json=LOGIN, headers={"origin": SHOP})
    assert answer.status_code == 200
    return cookies_of(answer)


def csrf(jar):
    return {"x-csrf-token": jar["__Host-storegraph-csrf"].value}


async def test_tokens_are_kept_where_no_script_reads_them(browser):
    answer = await browser.post("/auth/login", json=LOGIN)
    jar = cookies_of(answer)

    access, refresh = jar["__Host-storegraph-access"], jar["__Secure-storegraph-refresh"]
    assert (access["httponly"], access["secure"], access["samesite"], access["path"]) == (True, True, "lax", "/")
    assert (refresh["httponly"], refresh["secure"], refresh["samesite"], refresh["path"]) == (
        True, True, "strict", "/auth",
    )  # fmt: skip
    assert jar["__Host-storegraph-csrf"]["httponly"] == ""
    assert answer.headers["cache-control"] == "no-store"
    assert access.value not in answer.text
    assert refresh.value not in answer.text


async def test_a_cookie_is_worth_nothing_without_the_proof_of_the_shops_own_page(world, browser):
    jar = await log_in(browser)
    now = world.clock.now().timestamp
    verifier = TokenVerifier(
        KeySet(world.service.sessions.tokens.key_set, refresh=300),
        issuer="storegraph",
        audience="storegraph",
        clock=now,
    )
    cookie = {b"cookie": sent(jar)["cookie"].encode()}
    token = jar["__Host-storegraph-access"].value.encode()
    proof = {b"x-csrf-token": csrf(jar)["x-csrf-token"].encode()}

    identity = await verifier.identify(credentials(cookie))
    insist_on_own_page(identity, {**cookie, **proof})
    for headers in (cookie, {**cookie, b"x-csrf-token": b"guess"}, {b"authorization": b"Bearer " + token}):
        identity = await verifier.identify(credentials(headers))
        with pytest.raises(ForgedRequestError):
            insist_on_own_page(identity, headers)


async def test_a_session_goes_on_by_its_cookie_beside_its_proof(browser):
    jar = await log_in(browser)

    renewed = await browser.post("/auth/refresh", headers={**sent(jar), **csrf(jar)})

    assert renewed.status_code == 200
    assert cookies_of(renewed)["__Secure-storegraph-refresh"].value != jar["__Secure-storegraph-refresh"].value
    assert cookies_of(renewed)["__Host-storegraph-csrf"].value == jar["__Host-storegraph-csrf"].value


@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
async def test_a_stolen_or_forged_cookie_request_is_refused(browser, path):
    jar = await log_in(browser)
    forged = (
        sent(jar),
        {**sent(jar), "x-csrf-token": "guess"},
        {**sent(jar, "__Secure-storegraph-refresh"), **csrf(jar)},
        {**sent(jar), **csrf(jar), "origin": "https://evil.example"},
    )

    for headers in forged:
        answer = await browser.post(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "CSRF_PREVENTED")


async def test_a_foreign_page_cannot_log_anybody_in(browser):
    foreign = await browser.post("/auth/login", json=LOGIN, headers={"origin": "https://evil.example"})
    form = await browser.post("/auth/login", data=LOGIN)

    assert foreign.status_code == 403
    assert form.status_code == 400
    assert "set-cookie" not in foreign.headers
    assert "set-cookie" not in form.headers


async def test_a_wrong_password_is_told_alike_and_waits_are_honest(browser):
    answers = [await browser.post("/auth/login", json={**LOGIN, "password": "wrong password"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "1"


async def test_log_out_ends_the_session_and_takes_the_cookies_back(browser):
    jar = await log_in(browser)

    out = await browser.post("/auth/logout", headers={**sent(jar), **csrf(jar)})

    assert {each["max-age"] for each in cookies_of(out).values()} == {"0"}
    again = await browser.post("/auth/refresh", headers={**sent(jar), **csrf(jar)})
    assert again.status_code == 401


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "/ok\r\nset-cookie: x=y", "", "evil.example", "/\t/evil.example", "///evil.example"],
)  # fmt: skip
def test_nobody_is_sent_to_a_foreign_site(wanted):
    assert safe_return_path(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/", "/account?tab=orders", "/a/b#c"])
def test_people_return_to_where_they_were(wanted):
    assert safe_return_path(wanted) == wanted
