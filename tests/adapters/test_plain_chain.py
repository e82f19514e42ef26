"""The plain reader decodes as web3 does, and believes no answer that is none."""

import json
from typing import Any

import pytest
from dossier import KEY
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3

from marketplace.adapters.evm.artifact import load
from marketplace.adapters.evm.plain import ANCHORED, EVENT_OF, PlainChain, topic_of
from marketplace.core.errors import ChainUnavailable
from marketplace.core.exhibits import EVENTS
from marketplace.core.values import Json

ABI = {each["name"]: each for each in load("Escrow").abi if each["type"] == "event"}
ESCROW, DEAL = "0x" + "e5" * 20, "0x" + "dd" * 32
TIME = 1_800_000_123
VALUES = {
    "address": st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
    "bytes32": st.binary(min_size=32, max_size=32),
    "uint256": st.integers(0, 2**256 - 1),
    "uint8": st.integers(0, 255),
}


class Node(PlainChain):
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self, **answers: object) -> None:
        super().__init__("http://node.example")
        self.answers = answers
        self.asked: list[dict[str, Any]] = []

    def _post(self, body: bytes) -> dict[str, Json]:
        asked = json.loads(body)
        self.asked.append(asked)
        found = self.answers[asked["method"]]
        if isinstance(found, Exception):
            raise found
        answer: dict[str, Json] = {"jsonrpc": "2.0", "id": 1, "result": found}  # type: ignore[dict-item]
        return answer


def words_of(event: dict[str, Any], values: dict[str, Any]) -> tuple[list[str], str]:
    """Topics and data, encoded by eth_abi."""
    topics, kinds, plain = [topic_of(signature(event))], [], []
    for each in event["inputs"]:
        if each["indexed"]:
            topics.append("0x" + encode([each["type"]], [values[each["name"]]]).hex())
        else:
            kinds.append(each["type"])
            plain.append(values[each["name"]])
    return topics, "0x" + encode(kinds, plain).hex()


def signature(event: dict[str, Any]) -> str:
    return f"{event['name']}({','.join(each['type'] for each in event['inputs'])})"


def logged(topics: list[str], data: str, **other: object) -> dict[str, Any]:
    """A log as a node gives it."""
    return {
        "address": ESCROW,
        "topics": topics,
        "data": data,
        "blockNumber": "0x7b",
        "transactionHash": "0x" + "77" * 32,
        "transactionIndex": "0x0",
        "blockHash": "0x" + "bb" * 32,
        "logIndex": "0x2",
        "removed": False,
        **other,
    }


def test_the_events_of_an_evidence_file_are_those_of_the_escrow_about_deals():
    about = {
        name: {each["name"]: each["type"] for each in event["inputs"] if each["name"] != "deal"}
        for name, event in ABI.items()
        if any(each["name"] == "deal" for each in event["inputs"])
    }
    assert about == EVENTS
    assert {name for name, _ in EVENT_OF.values()} == EVENTS.keys()


@pytest.mark.parametrize("name", EVENTS)
@given(st.data())
def test_every_event_is_decoded_as_web3_decodes_it(name: str, data: st.DataObject):
    event = ABI[name]
    values = {each["name"]: data.draw(VALUES[each["type"]]) for each in event["inputs"]}
    log = logged(*words_of(event, values))
    node = Node(eth_getLogs=[log], eth_getBlockByNumber={"timestamp": hex(TIME)})
    [ours] = node.events(ESCROW, DEAL)
    theirs = Web3().eth.contract(abi=load("Escrow").abi).get_event_by_name(name)
    told = dict(theirs.process_log(log | {"logIndex": 2, "blockNumber": 123})["args"])
    del told["deal"]
    spelled = {
        key: "0x" + each.hex() if isinstance(each, bytes) else each for key, each in told.items()
    }
    lower = {key: each.lower() if isinstance(each, str) else each for key, each in spelled.items()}
    assert (ours.name, ours.values) == (name, lower)
    assert (ours.at, ours.block, ours.log_index) == (TIME, 123, 2)
    assert ours.transaction == log["transactionHash"]


def test_what_is_asked_is_the_deal_s_events_from_the_first_block_on():
    node = Node(eth_getLogs=[])
    assert node.events(ESCROW, DEAL) == []
    [asked] = node.asked[0]["params"]
    topics = [topic_of(signature(ABI[name])) for name in EVENTS]
    assert asked["address"] == ESCROW
    assert (asked["fromBlock"], asked["toBlock"]) == ("0x0", "latest")
    assert asked["topics"] == [sorted(topics), DEAL]


def test_anchors_are_those_of_one_key_and_origin_by_size():
    name, root = KEY.name, b"r" * 32
    topics = ["0x" + Web3.keccak(text=ANCHORED).hex(), "0x" + "00" * 12 + name.key[2:]]
    topics.append("0x" + Web3.keccak(text=name.origin).hex())
    logs = [
        logged(topics, "0x" + encode(["uint64", "bytes32"], [size, root]).hex()) for size in (9, 4)
    ]
    node = Node(eth_getLogs=logs, eth_getBlockByNumber={"timestamp": hex(TIME)})
    found = node.anchors(name)
    assert [(each.size, each.root, each.at, each.block) for each in found] == [
        (4, root, TIME, 123),
        (9, root, TIME, 123),
    ]
    [asked] = node.asked[0]["params"]
    assert asked["address"] == name.domain.verifying_contract
    assert asked["topics"] == topics
    # Two in one block: its time is asked once.
    assert [each["method"] for each in node.asked] == ["eth_getLogs", "eth_getBlockByNumber"]


PAID = words_of(
    ABI["Paid"],
    {
        "deal": b"d" * 32,
        "state": 3,
        "caller": ESCROW,
        **dict.fromkeys(("released", "toSeller", "fee", "toBuyer"), 5),
    },
)
BLOCK = {"timestamp": hex(TIME)}


@pytest.mark.parametrize(
    "answers",
    [
        {"eth_getLogs": None},
        {"eth_getLogs": [7]},
        {"eth_getLogs": [{}]},
        {"eth_getLogs": [logged(PAID[0], PAID[1][:-2])]},
        {"eth_getLogs": [logged(PAID[0], PAID[1][:-64])]},
        {"eth_getLogs": [logged(PAID[0], PAID[1] + "00" * 32)]},
        {"eth_getLogs": [logged(PAID[0][:1], PAID[1])]},
        {"eth_getLogs": [logged(["0x" + "00" * 32], PAID[1])]},
        {"eth_getLogs": [logged("topics", PAID[1])]},  # type: ignore[arg-type]
        {"eth_getLogs": [logged(PAID[0], PAID[1].replace(ESCROW[2:], "e5" * 19 + "zz"))]},
        {"eth_getLogs": [logged(PAID[0], PAID[1][:66] + "11" + PAID[1][68:])]},
        {"eth_getLogs": [logged(*PAID, blockNumber="seven")]},
        {"eth_getLogs": [logged(*PAID)], "eth_getBlockByNumber": None},
        {"eth_getLogs": [logged([PAID[0][0], 7], PAID[1])]},  # type: ignore[list-item]
        {"eth_getLogs": [logged(PAID[0], PAID[1].upper())]},
        {"eth_getLogs": [logged([], PAID[1])]},
        {"eth_getLogs": OSError("gone")},
        {"eth_getLogs": ValueError("no JSON")},
    ],
)
def test_answer_that_is_none_is_refused_by_name(answers):
    node = Node(**({"eth_getBlockByNumber": BLOCK} | answers))
    with pytest.raises(ChainUnavailable):
        node.events(ESCROW, DEAL)
    assert Node(eth_getLogs=[logged(*PAID)], eth_getBlockByNumber=BLOCK).events(ESCROW, DEAL)


def test_error_of_the_node_is_told():
    class Refusing(PlainChain):
        def _post(self, body: bytes) -> dict[str, Json]:
            return {"error": {"code": -32000, "message": "range too wide"}, "id": len(body)}

    with pytest.raises(ChainUnavailable, match="range too wide"):
        Refusing("http://node.example").events(ESCROW, DEAL)


def test_nobody_that_answers_and_no_url_are_refused_by_name():
    with pytest.raises(ChainUnavailable, match="eth_getLogs"):
        PlainChain("http://127.0.0.1:1").events(ESCROW, DEAL)
    with pytest.raises(ChainUnavailable, match="http"):
        PlainChain("file:///etc/hosts")


def test_chain_without_the_escrow_is_told_so():
    node = Node(eth_chainId="0x7a69", eth_getCode="0x", eth_getLogs=[])
    told = node.told(ESCROW, DEAL, None)
    assert (told.chain_id, told.escrow, told.anchors) == (31337, False, ())
    there = Node(eth_chainId="0x7a69", eth_getCode="0x6001", eth_getLogs=[])
    assert there.told(ESCROW, DEAL, None).escrow
