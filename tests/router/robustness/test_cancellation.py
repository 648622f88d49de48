"""Clients that leave: what only they waited for is given up at the subgraphs, what others wait for goes on."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

SLOW = '{ item(how: "after two seconds") { id } }'


class Client:
    """A connection that sends a query and does not read."""

    def __init__(self, router, query):
        self.socket = socket.create_connection(("127.0.0.1", router.port))
        body = json.dumps({"query": query}).encode()
        head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self.socket.sendall(head % len(body) + body)

    def leave(self):
        self.socket.close()


def wait_until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _quiet(subgraphs):
    wait_until(lambda: subgraphs.open == 0)


def test_the_subgraph_call_of_a_client_that_left_is_cancelled(router, subgraphs):
    gone = subgraphs.gone
    client = Client(router, "{ slow }")
    wait_until(lambda: subgraphs.open == 1)

    client.leave()

    wait_until(lambda: subgraphs.open == 0, 3)
    assert subgraphs.gone == gone + 1


@pytest.mark.parametrize("who_leaves", [0, 1])
def test_a_shared_call_goes_on_for_whoever_stays(router, subgraphs, who_leaves):
    asked, gone = subgraphs.asked, subgraphs.gone
    answers = []
    clients = [Client(router, SLOW)]
    wait_until(lambda: subgraphs.open == 1)
    clients.append(Client(router, SLOW))
    stays = threading.Thread(target=lambda: answers.append(clients[1 - who_leaves].socket.recv(10_000)))
    stays.start()
    time.sleep(0.3)

    clients[who_leaves].leave()
    stays.join(15)

    assert b'"id":"1"' in answers[0]
    assert subgraphs.asked - asked <= 1 + (who_leaves == 0)
    assert subgraphs.gone - gone <= (who_leaves == 0)
    clients[1 - who_leaves].leave()


def test_when_all_who_shared_have_left_the_call_is_cancelled(router, subgraphs):
    clients = [Client(router, "{ slow }") for _ in range(5)]
    wait_until(lambda: subgraphs.open == 1)
    time.sleep(0.3)

    for client in clients:
        client.leave()

    wait_until(lambda: subgraphs.open == 0, 4)


def test_thousands_who_leave_leave_nothing(router, subgraphs):
    """Neither sockets nor memory are kept for clients that left."""
    assert router.ask("{ touch: __typename }").status == 200
    time.sleep(0.5)
    sockets, memory = router.sockets, router.memory
    for number in range(20):
        clients = [Client(router, f"{{ a{number}: slow }}") for _ in range(50)]
        for client in clients:
            client.leave()

    wait_until(lambda: router.sockets <= sockets + 10, 10)
    wait_until(lambda: subgraphs.open == 0, 10)
    assert router.memory - memory < 30
