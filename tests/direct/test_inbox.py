"""The inbox before strangers: bounded, named, quick to hang up."""

import http.client
import json
import socket
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market import BUYER, DOMAIN, SELLER, STRANGER, Party, invite, listing

from marketplace.core.card import Card, CardContent
from marketplace.core.destination import Reach
from marketplace.core.errors import (
    BodyTooLarge,
    CardRefused,
    ListingMissing,
    ParleyError,
    PeerUnavailable,
    PeerUnknown,
)
from marketplace.core.values import ZERO_DIGEST, canonical
from marketplace.sdk import Direct, inbox
from marketplace.sdk.inbox import MOST_CONNECTIONS
from marketplace.sdk.peer import Peer
from marketplace.sdk.strangers import BURST


@pytest.fixture(scope="module")
def agent():
    with Direct(SELLER, DOMAIN) as made:
        yield made


def call(agent: Direct, method: str, path: str, body: bytes = b"", **headers: str):
    connection = http.client.HTTPConnection("127.0.0.1", agent._inbox.port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path)
    for name, value in ({"content-length": str(len(body))} | named).items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    told = answer.status, answer.read()
    connection.close()
    return told


def card(party: Party, endpoint: str) -> dict[str, object]:
    content = CardContent(party.name, endpoint, ())
    return party.say(
        Card(party.address, content.digest, ZERO_DIGEST, 2_000_000_000), None, content
    ).to_json()


@settings(max_examples=40)
@given(st.binary(max_size=400))
def test_whatever_bytes_come_the_answer_is_a_named_problem(agent, body):
    status, told = call(agent, "POST", "/v1/messages", body)
    assert 400 <= status < 500
    assert json.loads(told)["code"] in ParleyError.leaves()


def test_a_body_is_refused_by_its_stated_size_before_it_is_read(agent):
    status, told = call(agent, "POST", "/v1/messages", b"", content_length="70000")
    assert (status, json.loads(told)["code"]) == (413, "BodyTooLarge")


@pytest.mark.parametrize("stated", ["", "-1", "1e3", "9" * 400, "٣"])
def test_a_size_that_is_no_number_is_refused(agent, stated):
    with socket.create_connection(("127.0.0.1", agent._inbox.port), 10) as raw:
        head = f"POST /v1/messages HTTP/1.1\r\ncontent-length: {stated}\r\n\r\n"
        raw.sendall(head.encode())
        assert b" 422 " in raw.recv(100)


def test_json_nested_deeper_than_any_message_is_refused_before_it_is_parsed(agent):
    status, _ = call(agent, "POST", "/v1/messages", b"[" * 60_000)
    assert status == 422


def test_a_caller_that_says_nothing_is_hung_up_on_and_the_others_are_served(agent, monkeypatch):
    assert 0 < inbox._Call.timeout <= 10
    monkeypatch.setattr("marketplace.sdk.inbox._Call.timeout", 0.3)
    silent = [
        socket.create_connection(("127.0.0.1", agent._inbox.port))
        for _ in range(MOST_CONNECTIONS + 10)
    ]
    time.sleep(1.5)
    assert call(agent, "GET", "/v1")[0] == 200
    for one in silent:
        one.close()


def test_a_caller_beyond_the_number_is_hung_up_on_at_once_and_the_others_are_not():
    with Direct(SELLER, DOMAIN) as crowded, ExitStack() as crowd:
        at = "127.0.0.1", crowded._inbox.port
        silent = [
            crowd.enter_context(socket.create_connection(at, 5)) for _ in range(MOST_CONNECTIONS)
        ]
        with socket.create_connection(at, 5) as late:
            assert late.recv(1) == b""
        silent[0].settimeout(0.1)
        with pytest.raises(TimeoutError):
            silent[0].recv(1)


def drip(port: int, seconds: float) -> None:
    ends = time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port), 5) as raw:
        while time.monotonic() < ends:
            raw.sendall(b"x")
            time.sleep(0.1)


def test_a_caller_that_drips_is_cut_after_a_while(agent, monkeypatch):
    monkeypatch.setattr("marketplace.sdk.inbox.CALL_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.raises(ConnectionError):
        drip(agent._inbox.port, 8)
    assert time.monotonic() - began < 4


def test_an_unknown_path_and_an_unknown_kind_are_named(agent):
    assert json.loads(call(agent, "GET", "/v1/log")[1])["code"] == "RouteMissing"
    said = call(agent, "POST", "/v1/messages", canonical(listing().to_json()))[1]
    assert json.loads(said)["code"] == "ValueMalformed"


def test_an_invitation_to_a_listing_that_is_not_here_is_refused(agent):
    with pytest.raises(ListingMissing):
        agent._desk.receive(invite(listing(by=SELLER)).to_json())


def test_strangers_begin_so_many_things_and_then_have_to_wait():
    strangers = [card(Party(f"stranger {n}"), "http://127.0.0.1:9") for n in range(int(BURST) + 5)]
    with Direct(SELLER, DOMAIN) as agent:
        answers = [
            call(agent, "POST", "/v1/messages", canonical(stranger))[0] for stranger in strangers
        ]
        assert answers.count(429) >= 3
        assert answers[: int(BURST)] == [201] * int(BURST)
        assert len(agent._desk.book.views) == answers.count(201)


def test_an_older_card_that_is_played_again_does_not_take_the_newer_ones_place():
    with Direct(SELLER, DOMAIN) as agent:
        old = card(BUYER, "http://127.0.0.1:8001")
        content = CardContent("buyer", "http://127.0.0.1:8002", ())
        newer = BUYER.say(
            Card(BUYER.address, content.digest, ZERO_DIGEST, 2_000_000_001), None, content
        )
        agent._desk.receive(newer.to_json())
        agent._desk.receive(old)
        assert agent.agent(BUYER.address).card.message["digest"] == newer.digest


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:9",
        "https://127.0.0.1",
        "https://169.254.169.254/latest",
        "https://[::1]",
        "https://localhost",
        "https://2130706433",
        "http://example.com",
        "https://u@example.com",
    ],
)
def test_a_strangers_card_does_not_send_the_agent_into_its_own_network(endpoint):
    with pytest.raises(CardRefused):
        Peer(endpoint, Reach()).submit({})


def test_an_agent_that_never_said_where_it_is_is_unknown(agent):
    with pytest.raises(PeerUnknown):
        agent._peer(STRANGER.address)


class _Endless(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Never stop."""
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_a_peer_that_answers_without_end_is_left_and_one_that_is_not_there_named(monkeypatch):
    monkeypatch.setattr("marketplace.sdk.peer.PAUSES", ())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endless)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    with pytest.raises(BodyTooLarge):
        Peer(url).card()
    server.shutdown()
    server.server_close()
    with pytest.raises(PeerUnavailable):
        Peer(url).card()
