"""Log-in with a provider, against a certified one (npm `oidc-provider`) whose pages a browser walks through."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pyotp
import pytest

from kernel.app import create_app
from runtime.ports import free_port
from subgraphs.users.service.providers import OpenIdProvider

SHOP = "http://localhost:4000"
CALLBACK = f"{SHOP}/auth/providers/local/callback"
HERE = Path(__file__).parent / "provider"


@pytest.fixture(scope="session")
def issuer(node_packages):
    """The address of a running provider."""
    environment, port = node_packages(HERE, "oidc-provider"), free_port()
    process = subprocess.Popen(
        ["node", str(HERE / "provider.mjs"), str(port), CALLBACK],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
async def shop(world, issuer):
    """A browser at the shop, which knows the provider."""
    provider = OpenIdProvider(name="local", issuer=issuer, client_id="shop", client_secret="shop-secret")
    world.service.identities.providers["local"] = provider
    app = create_app(world.subgraph, internal_key="k" * 32)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SHOP) as client:
        yield client


async def begin(shop, path="/auth/providers/local/start?return_to=/account"):
    """Be sent to the provider; gives its address and the cookie of this browser."""
    sent = await shop.get(path)
    assert sent.status_code == 303, sent.text
    [cookie] = [each.partition(";")[0] for each in sent.headers.get_list("set-cookie")]
    return sent.headers["location"], {"cookie": cookie}


async def walk(url, person):
    """Log in and agree on the provider's pages, as a person would; gives the address that it sends the browser to."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(url)
        for form in ({"prompt": "login", "login": person, "password": "any"}, {"prompt": "consent"}):
            while answer.is_redirect and not answer.headers["location"].startswith(SHOP):
                answer = await browser.get(str(answer.next_request.url))
            if answer.is_redirect:
                return answer.headers["location"]
            action = re.search(r'action="([^"]+)"', answer.text)[1]
            answer = await browser.post(action, data=form)
        while not answer.headers["location"].startswith(SHOP):
            answer = await browser.get(str(answer.next_request.url))
        return answer.headers["location"]


async def come_back(shop, location, cookie):
    """Come back from the provider; gives what the shop sets and where it sends the browser."""
    back = await shop.get(location, headers=cookie)
    names = {each.partition("=")[0] for each in back.headers.get_list("set-cookie")}
    return back.headers.get("location", ""), "__Host-storegraph-access" in names


async def test_somebody_new_gets_an_account_of_their_own(world, shop):
    url, cookie = await begin(shop)
    asked = parse_qs(urlsplit(url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 32
    assert len(asked["nonce"][0]) >= 32

    location, entered = await come_back(shop, await walk(url, "ada"), cookie)

    assert (location, entered) == ("/account", True)
    [row] = await world.rows("SELECT id, email_verified_at FROM users")
    assert row["email_verified_at"] is not None
    assert (await world.rows("SELECT count(*) AS n FROM credentials"))[0]["n"] == 0


async def test_the_same_person_comes_back_to_the_same_account(world, shop):
    for _ in range(2):
        url, cookie = await begin(shop)
        assert (await come_back(shop, await walk(url, "ada"), cookie))[1]

    assert len(await world.rows("SELECT 1 FROM users")) == 1


async def test_an_address_that_has_an_account_opens_it_only_after_its_mail_was_answered(world, shop):
    ada = await world.register("ada@example.com")
    url, cookie = await begin(shop)

    location, entered = await come_back(shop, await walk(url, "ada"), cookie)

    assert (location, entered) == ("/account#error=confirm_by_mail", False)
    confirm = "mutation($s: String!) { identityLinkConfirm(secret: $s) { done errors { code } } }"
    secret = await world.secret("link_identity")
    assert (await world.ask(confirm, s=secret))["identityLinkConfirm"]["done"]
    url, cookie = await begin(shop)
    assert (await come_back(shop, await walk(url, "ada"), cookie))[1]
    identities = (await world.ask("{ me { identities { provider email } } }", ada))["me"]["identities"]
    assert identities == [{"provider": "local", "email": "ada@example.com"}]


async def test_an_address_that_the_provider_has_not_verified_counts_for_nothing(world, shop):
    await world.register("ada@example.com")
    url, cookie = await begin(shop)

    location, entered = await come_back(shop, await walk(url, "unverified-ada"), cookie)

    assert (location, entered) == ("/account#error=email_missing", False)


async def test_who_is_logged_in_joins_identities_and_parts_from_them(world, shop):
    ada = await world.log_in_as(await world.register("ada@example.com"))
    link = 'mutation { identityLinkBegin(provider: "local") { path errors { code } } }'
    path = (await world.ask(link, ada))["identityLinkBegin"]["path"]

    url, cookie = await begin(shop, path)
    location, entered = await come_back(shop, await walk(url, "somebody-else"), cookie)

    assert (location, entered) == ("/", False)
    assert (await shop.get(path)).status_code == 401  # a ticket works once
    [identity] = (await world.ask("{ me { identities { id email } } }", ada))["me"]["identities"]
    assert identity["email"] == "somebody-else@example.com"
    url, cookie = await begin(shop)
    assert (await come_back(shop, await walk(url, "somebody-else"), cookie))[1]
    unlink = "mutation($id: ID!) { identityUnlink(id: $id) { done errors { code } } }"
    assert (await world.ask(unlink, ada, id=identity["id"]))["identityUnlink"]["done"]


async def test_answers_that_do_not_fit_their_question_open_nothing(world, shop):
    url, cookie = await begin(shop)
    location = await walk(url, "ada")
    answer = dict(parse_qs(urlsplit(location).query))
    other_cookie = (await begin(shop))[1]

    def changed(**values):
        return f"{CALLBACK}?{urlencode({**{name: value[0] for name, value in answer.items()}, **values})}"

    forged = [
        (location, {}),  # by a browser that did not ask: log-in CSRF
        (location, other_cookie),  # by a browser that asked something else
        (changed(state="x"), cookie),
        (changed(code="x"), cookie),
        (changed(iss="https://evil.example"), cookie),  # mix-up of providers
        (f"{CALLBACK}?error=access_denied&state={answer['state'][0]}", cookie),
        (location, {"cookie": cookie["cookie"][:-8] + "AAAAAAAA"}),
    ]
    for where, jar in forged:
        assert await come_back(shop, where, jar) == ("/#error=provider_failed", False), where
    assert await world.rows("SELECT 1 FROM users") == []


async def test_a_code_is_worth_nothing_without_its_verifier(shop, world, issuer):
    provider = world.service.identities.providers["local"]
    url, question = await provider.ask(CALLBACK)
    location = await walk(url, "ada")
    code = parse_qs(urlsplit(location).query)["code"][0]

    async with httpx.AsyncClient(auth=("shop", "shop-secret")) as thief:
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        for verifier in ({}, {"code_verifier": "x" * 64}):
            refused = await thief.post(f"{issuer}/token", data={**fields, **verifier})
            assert refused.json()["error"] == "invalid_grant"
        downgraded = await thief.get(re.sub(r"&code_challenge(_method)?=[^&]+", "", url))
    assert "error=invalid_request" in downgraded.headers["location"]
    assert question.verifier not in url


async def test_a_token_of_another_log_in_is_refused_by_its_nonce(shop, world):
    provider = world.service.identities.providers["local"]
    url, question = await provider.ask(CALLBACK)
    location = await walk(url, "ada")
    answer = {name: value[0] for name, value in parse_qs(urlsplit(location).query).items()}
    replayed = type(question)(provider="local", state=question.state, nonce="another", verifier=question.verifier)

    with pytest.raises(Exception, match="does not hold"):
        await provider.hear(answer, replayed, CALLBACK)


async def test_with_a_second_factor_a_provider_is_not_enough(world, shop):
    url, cookie = await begin(shop)
    await come_back(shop, await walk(url, "ada"), cookie)
    [row] = await world.rows("SELECT id FROM users")
    [account] = (await world.service.accounts.by_id([row["id"]])).values()

    begun = await world.service.factors.begin_totp(account, "Phone")
    code = pyotp.TOTP(begun.secret).at(world.clock.now())
    await world.service.factors.confirm_totp(account.id, begun.factor_id, code)

    url, cookie = await begin(shop)
    location, entered = await come_back(shop, await walk(url, "ada"), cookie)

    assert not entered
    assert location.startswith("/account#ticket=")


async def test_a_provider_that_is_away_is_no_fault_of_the_shop(world, shop):
    world.service.identities.providers["local"] = OpenIdProvider(
        name="local", issuer=f"http://127.0.0.1:{free_port()}", client_id="shop", client_secret="x"
    )
    begun = time.monotonic()

    assert (await shop.get("/auth/providers/local/start")).status_code == 503
    assert (await shop.get("/auth/providers/unknown/start")).status_code == 404
    assert time.monotonic() - begun < 10
