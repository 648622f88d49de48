"""Receivers that lie, and names that lead elsewhere: nothing gets in, nothing hangs, nothing is read without end."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from ipaddress import ip_address, ip_network

import pytest

from subgraphs.notifications.domain.addresses import AddressRules, ForbiddenAddressError
from subgraphs.notifications.storage.receiver import Receiver
from tests.subgraphs.notifications.partners import (
    answers,
    break_off,
    flood,
    hang_up,
    partner,
    says,
    slow,
    trickle,
)

ADDRESSES_OF_OURS = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
]
LOOPBACK = AddressRules((ip_network("127.0.0.0/8"),))
STRICT = AddressRules()


async def post(url: str, rules: AddressRules = LOOPBACK, **options):
    return await Receiver(rules, patience=0.5, **options).post(url, {"webhook-id": "whd_1"}, "{}")


@pytest.mark.parametrize("behaviour", [slow, trickle], ids=["slow", "trickle"])
async def test_a_receiver_has_so_many_seconds_for_everything(behaviour):
    async with partner(behaviour) as receiver:
        began = time.monotonic()
        receipt = await post(receiver.url)
    assert time.monotonic() - began < 2
    assert (receipt.taken, receipt.error) == (False, "No answer within 0.5 seconds.")


async def test_of_a_huge_answer_only_the_beginning_is_read():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with partner(flood) as receiver:
        receipt = await post(receiver.url)
    assert (receipt.status, receipt.taken, receipt.excerpt) == (500, False, "x" * 500)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


async def test_a_huge_head_is_refused():
    async with partner(says(b"HTTP/1.1 200 OK\r\n", b"x-y: " + b"y" * 1_000_000 + b"\r\n\r\n")) as receiver:
        receipt = await post(receiver.url)
    assert not receipt.taken
    assert receipt.error is not None


@pytest.mark.parametrize(
    ("behaviour", "taken"), [(hang_up, False), (break_off, True), (says(b"SMTP ready\r\n"), False), (says(), False)]
)
async def test_a_message_is_taken_when_its_status_says_so_and_not_before(behaviour, taken):
    async with partner(behaviour) as receiver:
        receipt = await post(receiver.url)
    assert receipt.taken is taken
    assert taken or receipt.error


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_no_other_status_takes_a_message(status):
    async with partner(answers(status, "retry-after: 7", body=b"why not")) as receiver:
        receipt = await post(receiver.url)
    assert (receipt.status, receipt.taken, receipt.excerpt) == (status, False, "why not")
    assert receipt.retry_after is not None
    assert receipt.retry_after.total_seconds() == 7


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status):
    async with partner(answers(200)) as inside, partner(answers(status, f"location: {inside.url}")) as receiver:
        receipt = await post(receiver.url)
    assert not receipt.taken
    assert "not followed" in (receipt.error or "")
    assert (len(receiver.calls), len(inside.calls)) == (1, 0)


async def test_nothing_of_ours_is_called_whatever_the_url_says():
    async with partner(answers(200)) as inside:
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]"):
            receipt = await post(f"https://{host}:{inside.port}/", STRICT)
            assert receipt.error is not None, host
            assert receipt.status is None
        assert inside.calls == []


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example/",
        "ftp://partner.example/",
        "https://",
        "https://user:secret@partner.example/",
        "https://partner.example/#fragment",
        "https://partner.example:22/",
        "https://partner.example:99999/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://[::1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.0.0.1./",
        "https://partner.example\\@127.0.0.1/",
        "https://partner.example/ space",
        "https://" + "x" * 3000,
    ],
)
def test_such_an_endpoint_cannot_be_registered(url):
    with pytest.raises(ForbiddenAddressError):
        STRICT.check_url(url)


@pytest.mark.parametrize("address", ADDRESSES_OF_OURS)
def test_no_address_is_called_that_is_not_of_the_open_internet(address):
    with pytest.raises(ForbiddenAddressError):
        STRICT.check(ip_address(address))


def test_addresses_of_the_open_internet_may_be_called():
    for address in ("8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"):
        STRICT.check(ip_address(address))
    assert STRICT.check_url("https://partner.example:8443/hooks?x=1").hostname == "partner.example"


class Rebinding:
    """A name server that first gives an allowed address and then one of ours, or both at once."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int):
        given = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in given]


async def test_a_name_is_resolved_once_and_the_connection_goes_there():
    """The first answer is the only one that counts; the second, which would lead elsewhere, is never asked for."""
    rules = AddressRules((ip_network("127.0.0.1/32"),))
    names = Rebinding(["127.0.0.1"], ["127.0.0.2"])
    async with partner(answers(200)) as receiver:
        receipt = await post(f"http://partner.example:{receiver.port}/", rules, lookup=names)
    assert (receipt.taken, names.asked) == (True, 1)
    assert receiver.calls[0].headers["host"] == f"partner.example:{receiver.port}"


@pytest.mark.parametrize("given", [["127.0.0.2"], ["127.0.0.1", "127.0.0.2"], ["127.0.0.1", "10.0.0.1"]])
async def test_a_name_with_one_forbidden_address_is_not_called_at_all(given):
    rules = AddressRules((ip_network("127.0.0.1/32"),))
    async with partner(answers(200)) as receiver:
        receipt = await post(f"http://partner.example:{receiver.port}/", rules, lookup=Rebinding(given))
    assert receipt.error == "The host leads to an address that is not on the open internet."
    assert receiver.calls == []


async def test_many_slow_receivers_do_not_wait_for_each_other():
    async with partner(slow) as receiver:
        began = time.monotonic()
        receipts = await asyncio.gather(*(post(receiver.url) for _ in range(20)))
    assert time.monotonic() - began < 5
    assert not any(receipt.taken for receipt in receipts)
