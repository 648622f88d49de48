"""What is kept about a person here is collected when they ask, and gone when they leave."""

from __future__ import annotations

from kernel.events.catalogue import UserDataExportRequested, UserErasureRequested
from kernel.events.envelope import Event
from kernel.identity import Caller
from kernel.personal_data import export_key, open_collected
from kernel.settings import Settings
from tests.subgraphs.notifications.partners import answers, partner
from tests.subgraphs.notifications.test_webhooks import create

ADA = Caller(id="usr_ada", kind="customer")
VERA = Caller(id="usr_vera", kind="vendor", roles=frozenset({"vendor"}))


async def live(world):
    """Have wishes, a device, an order, and a partner who was told of it."""
    await world.publish(world.registered(), world.registered("usr_vera", "Vera"))
    wishes = 'notificationPreferencesUpdate(input: {phone: "+491701234567"}) { errors { code } }'
    choice = "notificationChoose(topic: WELCOME, channel: SMS, wanted: true) { errors { code } }"
    await world.ask(
        f'mutation {{ {wishes} {choice} pushDeviceAdd(token: "phone-token") {{ errors {{ code }} }} }}', ADA
    )
    async with partner(answers(200)) as receiver:
        await create(world, receiver.url, events=["OrderConfirmed"])
        await create(world, "https://vera.example/hooks", VERA)
        await world.publish(world.confirmed())
        await world.send_webhooks()
    await world.deliver()


async def test_wishes_devices_and_endpoints_are_part_of_the_copy(world):
    await live(world)
    await world.publish(*(UserDataExportRequested(user_id=f"usr_{each}", request_id="r") for each in ("ada", "vera")))

    rows = await world.rows("SELECT event FROM outbox WHERE type = 'PersonalDataCollected' ORDER BY position")
    ada, vera = (open_collected(export_key(Settings()), Event.from_builtins(row["event"]).data) for row in rows)

    assert ada["preferences"][0]["phone"] == "+491701234567"
    assert ada["push_devices"][0]["token"] == "phone-token"
    assert ada["topic_choices"][0]["topic"] == "welcome"
    assert vera["webhook_endpoints"][0]["url"] == "https://vera.example/hooks"


async def test_nothing_of_it_is_left_afterwards(world):
    await live(world)
    await world.publish(*(UserErasureRequested(user_id=f"usr_{each}", request_id="r") for each in ("ada", "vera")))

    left = ""
    for table in ("messages", "message_attempts", "preferences", "topic_choices", "push_devices", "customers"):
        left += str(await world.rows(f"SELECT * FROM {table}"))
    left += str(await world.rows("SELECT * FROM webhook_deliveries"))
    endpoints = await world.rows("SELECT user_id FROM webhook_endpoints")
    for trace in ("usr_ada", "usr_vera", "ada@example.com", "+491701234567", "phone-token", "vera.example"):
        assert trace not in left
    assert endpoints == [{"user_id": "usr_sam"}]
