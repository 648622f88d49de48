"""An operator opens a dead letter's link and replays it: once in effect, and nobody without a link can."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette

from kernel.database import Database
from kernel.events.dead_letters import DeadLetter, dead_letters
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.replay_links import VALID, ReplayLinks, replay_routes
from kernel.testing import FixedClock
from tests.kernel.effects import effects, note_effect
from tests.kernel.test_event_history import consumer, publish

KEY = "k" * 48


async def refuse(event, session):
    raise ValueError("<script>alert(1)</script> is no name")


@pytest.fixture
async def letter(producer: Database, first: Database) -> DeadLetter:
    """An event that its consumer could not handle."""
    await publish(producer, 1)
    await EmbeddedDelivery([Room(producer), Room(first, (consumer(refuse, max_attempts=1),))]).drain()
    [letter] = await dead_letters(first)
    return letter


@pytest.fixture
def links(clock: FixedClock) -> ReplayLinks:
    return ReplayLinks("first", KEY, clock)


@pytest.fixture
def browser(first: Database, links: ReplayLinks) -> httpx.AsyncClient:
    app = Starlette(routes=list(replay_routes(first, links)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")


async def test_the_page_shows_reason_and_stack_and_changes_nothing(browser, links, letter, first):
    page = await browser.get(links.path(letter))

    assert page.status_code == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt; is no name" in page.text
    assert "Traceback" in page.text
    assert "<script>" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert await dead_letters(first) == [letter]


async def test_replayed_twice_it_has_its_effect_once(browser, links, letter, producer, first):
    link = links.path(letter)
    for said in ("on its way", "no such dead letter"):
        assert said in (await browser.post(link)).text
    mended = [Room(producer), Room(first, (consumer(note_effect),))]
    await EmbeddedDelivery(mended).drain()
    assert "no such dead letter" in (await browser.post(link)).text
    await EmbeddedDelivery(mended).drain()

    assert await effects(first) == ["n1"]
    assert "no such dead letter" in (await browser.get(link)).text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.partition("?")[0],
        lambda path: path[:-1] + ("0" if path[-1] != "0" else "1"),
        lambda path: path.replace("ends=", "ends=9"),
        lambda path: path.replace("/evt_", "/evt_0"),
        lambda path: path.replace("/noter/", "/another/"),
        lambda path: path.replace("signature=", "signature=%C3%A9"),
        lambda path: path.replace("ends=", "ends=-"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_our_word_nothing_is_shown_or_done(browser, links, letter, first, spoil, method):
    answer = await browser.request(method, spoil(links.path(letter)))

    assert answer.status_code == 403
    assert "Traceback" not in answer.text
    assert await dead_letters(first) == [letter]


async def test_a_link_ends_after_a_week_and_is_good_for_its_subgraph_alone(browser, links, letter, first, clock):
    path = links.path(letter)
    other = ReplayLinks("second", KEY, clock).path(letter).replace("/second/", "/first/")
    assert (await browser.post(other)).status_code == 403
    clock.advance(VALID)
    assert (await browser.post(path)).status_code == 403
    assert await dead_letters(first) == [letter]
