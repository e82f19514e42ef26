"""The embedded chain's port against input that no well-behaved client sends."""

import http.client
import json
import socket
import struct
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from devchain_client import ENDLESS, LOG, SELF_CALL, Client, word

from marketplace.adapters.evm.devchain import DevChain, start_chain
from marketplace.adapters.evm.embedded.server import MAX_BODY

DEEP = b'{"jsonrpc":"2.0","id":1,"method":"eth_getCode","params":[%s]}'
HALF = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
LONG = b"0" * 20 + b"9" * 20
CHAIN_ID = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}


@pytest.fixture
def chain() -> Iterator[DevChain]:
    with start_chain("embedded") as chain:
        yield chain


def post(chain: DevChain, body: bytes, **headers: str) -> tuple[int, Any]:
    """Status and decoded body; None where the body is empty."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(chain.rpc_url).port, timeout=10)
    try:
        connection.request("POST", "/", body, headers)
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None
    finally:
        connection.close()


def talk(chain: DevChain, raw: bytes) -> bytes:
    """Everything that the server says to these bytes until it closes."""
    with socket.create_connection(("127.0.0.1", urlsplit(chain.rpc_url).port), 10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe\x00", -32700),
        (b"[" * 1_000_000, -32700),
        (b'{"":' * 1_000_000, -32700),
        (DEEP % (b"[" * 90_000 + b"]" * 90_000), -32602),
        (DEEP % (b'{"":' * 90_000 + b"1" + b"}" * 90_000), -32602),
        (b"9" * 5000, -32700),
        (b"[]", -32600),
        (b"1", -32600),
        (b"null", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[1]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"__init__","params":[]}', -32601),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_malformed_request_gets_its_error_code(chain: DevChain, body: bytes, code: int) -> None:
    status, answer = post(chain, body)
    assert (status, answer["error"]["code"]) == (200, code)
    assert post(chain, json.dumps(CHAIN_ID).encode())[1]["result"] == "0x7a69"


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_getBalance", ["0x12", "latest"]),
        ("eth_getBalance", ["0x" + "zz" * 20, "latest"]),
        ("eth_getBalance", ["0x" + "11" * 20, "yesterday"]),
        ("eth_getBalance", ["0x" + "11" * 20, "0xfff"]),
        ("eth_getBlockByNumber", ["0x", False]),
        ("eth_getBlockByNumber", [-1, False]),
        ("eth_getBlockByNumber", [1.5, False]),
        ("eth_getBlockByNumber", ["0x" + "f" * 65, False]),
        ("eth_getStorageAt", ["0x" + "11" * 20, None]),
        ("eth_call", [None, "latest"]),
        ("eth_call", [{"to": "0x11"}, "latest"]),
        ("eth_call", [{"data": "0x1"}, "latest"]),
        ("eth_call", [{}, {"blockHash": "0x00"}]),
        ("eth_getLogs", [[]]),
        ("eth_getLogs", [{"topics": "0x00"}]),
        ("eth_getLogs", [{"topics": [["0x00"]]}]),
        ("eth_getTransactionReceipt", [7]),
        ("evm_increaseTime", [-5]),
        ("evm_increaseTime", [True]),
        ("evm_increaseTime", ["0x" + "f" * 17]),
        ("evm_setNextBlockTimestamp", [2**64]),
        ("evm_mine", [{"blocks": 10**9}]),
        ("evm_revert", ["latest"]),
    ],
    ids=repr,
)
def test_wrong_parameters_are_named(chain: DevChain, method: str, params: list[Any]) -> None:
    request = {"jsonrpc": "2.0", "id": "a", "method": method, "params": params}
    answer = post(chain, json.dumps(request).encode())[1]
    assert (answer["id"], answer["error"]["code"]) == ("a", -32602)
    assert "expected" in answer["error"]["message"]


def test_batch_answers_what_it_can_and_skips_notifications(chain: DevChain) -> None:
    notification = {"jsonrpc": "2.0", "method": "evm_mine"}
    batch = [CHAIN_ID, notification, 1, CHAIN_ID | {"id": 2, "method": "eth_blockNumber"}]
    status, answers = post(chain, json.dumps(batch).encode())
    assert status == 200
    assert [answer.get("result") for answer in answers] == ["0x7a69", None, "0x1"]
    assert post(chain, json.dumps([notification]).encode()) == (204, None)


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_web_page_elsewhere_is_refused(chain: DevChain, headers: dict[str, str]) -> None:
    status, answer = post(chain, json.dumps(CHAIN_ID).encode(), **headers)
    assert (status, answer["error"]["code"]) == (403, -32600)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "LOCALHOST:8545"])
def test_local_names_are_accepted(chain: DevChain, host: str) -> None:
    assert post(chain, json.dumps(CHAIN_ID).encode(), Host=host)[0] == 200


@pytest.mark.parametrize("host", ["127.0.0.1.evil.example", "localhost@evil.example", "[", ""])
def test_names_that_look_local_are_refused(chain: DevChain, host: str) -> None:
    assert post(chain, json.dumps(CHAIN_ID).encode(), Host=host)[0] == 403


def test_body_above_the_cap_is_refused_with_an_answer(chain: DevChain) -> None:
    status, answer = post(chain, b" " * (MAX_BODY + 1))
    assert (status, answer["error"]["code"]) == (413, -32600)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"501"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + LONG + b"\r\n\r\n", b"411"),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"411",
        ),
    ],
)
def test_other_http_gets_json_and_the_connection_ends(
    chain: DevChain, raw: bytes, status: bytes
) -> None:
    head, _, body = talk(chain, raw).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert json.loads(body)["error"]["code"] == -32600


def test_bytes_that_are_not_http_get_json_too(chain: DevChain) -> None:
    answer = json.loads(talk(chain, b'"junk" "more" <b>x</b>\r\n\r\n'))
    assert answer["error"]["code"] == -32600


def test_client_that_leaves_in_the_middle_hurts_nobody(
    chain: DevChain, capfd: pytest.CaptureFixture[str]
) -> None:
    talk(chain, HALF)
    assert post(chain, json.dumps(CHAIN_ID).encode())[0] == 200
    assert capfd.readouterr() == ("", "")


def test_connection_reset_in_the_middle_is_not_printed(
    chain: DevChain, capfd: pytest.CaptureFixture[str]
) -> None:
    at_once = struct.pack("ii", 1, 0)
    address = ("127.0.0.1", urlsplit(chain.rpc_url).port)
    for sent in (b"POST / HTTP/1.1\r\n", HALF):
        with socket.create_connection(address) as connection:
            connection.sendall(sent)
            assert post(chain, json.dumps(CHAIN_ID).encode())[0] == 200
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    chain.close()
    assert capfd.readouterr() == ("", "")


def test_filter_with_more_topics_than_the_log_does_not_match(chain: DevChain) -> None:
    client = Client(chain)
    client.send(to=client.deploy(LOG), data=word(1) + word(2))
    for topics, matches in (([None, None], 1), ([None, None, None], 0)):
        assert len(client.w3.eth.get_logs({"topics": topics})) == matches


def test_endless_and_bottomless_calls_end_with_an_error(chain: DevChain) -> None:
    client = Client(chain)
    endless, bottomless = client.deploy(ENDLESS), client.deploy(SELF_CALL)
    call = {"to": endless, "gas": hex(200_000)}
    assert client.rpc("eth_call", call, "latest")["error"]["code"] == -32000
    # The innermost call fails, and only it: each level keeps 1/64 of the gas (EIP-150).
    assert client.rpc("eth_call", {"to": bottomless}, "latest")["result"] == "0x"


def test_gap_in_the_nonces_is_refused_as_there_is_no_queue(chain: DevChain) -> None:
    client = Client(chain)
    answer = client.rpc("eth_sendRawTransaction", client.sign(to=None, nonce=5).to_0x_hex())
    assert answer["error"]["message"].startswith("nonce too high: 5, next is 0")


def test_blob_transaction_is_refused(chain: DevChain) -> None:
    answer = Client(chain).rpc("eth_sendRawTransaction", "0x03" + "00" * 100)
    assert answer["error"]["code"] == -32003


def test_gas_below_the_calldata_floor_is_refused(chain: DevChain) -> None:
    client = Client(chain)
    members = {"to": client.account.address, "data": b"\xff" * 1000}
    raw = client.sign(**members, gas=60_999)
    assert (
        "needs 61000" in client.rpc("eth_sendRawTransaction", raw.to_0x_hex())["error"]["message"]
    )
    assert client.w3.eth.estimate_gas(members) == 61_000
    assert client.send(**members, gas=61_000)["gasUsed"] == 61_000


def test_older_snapshot_uses_up_the_newer(chain: DevChain) -> None:
    client = Client(chain)
    old, new = (client.rpc("evm_snapshot")["result"] for _ in range(2))
    assert client.rpc("evm_revert", old)["result"] is True
    assert client.rpc("evm_revert", new)["result"] is False


def test_fault_of_the_node_itself_is_an_internal_error(
    chain: DevChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = "marketplace.adapters.evm.embedded.chain.Chain.state"
    monkeypatch.setattr(target, lambda *_: 1 // 0)
    answer = Client(chain).rpc("eth_getBalance", "0x" + "11" * 20, "latest")
    assert answer["error"] == {"code": -32603, "message": "eth_getBalance failed inside the node"}
