"""A chain read plainly: a few JSON-RPC calls, words decoded by hand.

For who verifies one file: web3 takes longer to import than all the proofs take. Nothing is
read that a verdict does not need, and of what a node answers only the form is believed.
"""

import json
import re
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

from marketplace.adapters.evm.artifact import load
from marketplace.core.checkpoint import LogName, origin_hash
from marketplace.core.errors import ChainUnavailable
from marketplace.core.exhibits import EVENTS, Anchor, Event
from marketplace.core.values import ZERO_ADDRESS, Address, Digest, Json, keccak
from marketplace.core.verdict import Told

TIMEOUT_SECONDS = 30
LARGEST_ANSWER = 32 * 1024 * 1024
ANCHORED = "Anchored(address,bytes32,uint64,bytes32)"
WORD = 64
_DATA = re.compile(r"0x(?:[0-9a-f]{64})*\Z")

Log: TypeAlias = Mapping[str, Json]
R = TypeVar("R")


class PlainChain:
    """What a node says; whoever asks chose the node. Each method raises ChainUnavailable."""

    def __init__(self, rpc_url: str) -> None:
        self._rpc_url = rpc_url
        self._times: dict[int, int] = {}
        if urlsplit(rpc_url).scheme not in ("http", "https"):
            raise ChainUnavailable(rpc_url, "not an http or https URL")

    def told(self, escrow: Address, deal: Digest, log: LogName | None) -> Told:
        """All that a verdict asks of the chain."""
        return Told(
            self._read("eth_chainId", (), number),
            self._read("eth_getCode", (escrow, "latest"), len) > len("0x"),
            self.events(escrow, deal),
            self.anchors(log) if log is not None else (),
        )

    def events(self, escrow: Address, deal: Digest) -> list[Event]:
        """The escrow's events about one deal, in order."""
        found = self._logs(escrow, [sorted(EVENT_OF), deal], self._event)
        return sorted(found, key=lambda event: (event.block, event.log_index))

    def anchors(self, log: LogName) -> list[Anchor]:
        """The sizes and roots of one log that its contract took, in order."""
        if log.domain.verifying_contract == ZERO_ADDRESS:
            return []
        topics = [topic_of(ANCHORED), "0x" + log.key[2:].rjust(WORD, "0"), origin_hash(log.origin)]
        found = self._logs(log.domain.verifying_contract, topics, self._anchor)
        return sorted(found, key=lambda anchor: anchor.size)

    def _event(self, log: Log) -> Event:
        kind, *topics = _topics(log)
        name, inputs = EVENT_OF["0x" + kind]
        values = decoded(inputs, topics, _words(log["data"]))
        del values["deal"]
        return Event(name, values, *self._place(log), number(log["logIndex"]))

    def _anchor(self, log: Log) -> Anchor:
        size, root = _words(log["data"])
        return Anchor(int(size, 16), bytes.fromhex(root), *self._place(log))

    def _place(self, log: Log) -> tuple[int, int, Digest]:
        block = number(log["blockNumber"])
        if block not in self._times:
            asked = hex(block), False
            self._times[block] = self._read("eth_getBlockByNumber", asked, _timestamp)
        return self._times[block], block, str(log["transactionHash"])

    def _logs(self, contract: Address, topics: Json, read: Callable[[Log], R]) -> list[R]:
        asked = {"address": contract, "topics": topics, "fromBlock": "0x0", "toBlock": "latest"}
        return self._read("eth_getLogs", (asked,), lambda logs: [read(log) for log in logs])

    def _read(self, method: str, params: Sequence[Json], read: Callable[..., R]) -> R:
        """A call's result, as it is read; what cannot be read is no answer."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            answer = self._post(json.dumps(asked).encode())
            if "error" in answer:
                raise ChainUnavailable(self._rpc_url, f"{method}: {answer['error']}"[:200])
            return read(answer["result"])
        except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
            raise ChainUnavailable(self._rpc_url, f"{method}: {type(error).__name__}") from None

    def _post(self, body: bytes) -> dict[str, Json]:
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self._rpc_url, body, headers)  # noqa: S310 asked in __init__
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 the same
            found: dict[str, Json] = json.loads(answer.read(LARGEST_ANSWER))
        return found


def topic_of(signature: str) -> Digest:
    """What an event's logs begin with."""
    return "0x" + keccak(signature.encode()).hex()


def decoded(
    inputs: Sequence[Mapping[str, object]], topics: Sequence[str], words: Sequence[str]
) -> dict[str, str | int]:
    """An event's arguments, each of one word; raises ValueError for what is not so encoded."""
    indexed, plain = [*topics], [*words]
    if len(indexed) + len(plain) != len(inputs):
        raise ValueError("not as many words as arguments")
    return {
        str(each["name"]): _value(
            str(each["type"]), indexed.pop(0) if each["indexed"] else plain.pop(0)
        )
        for each in inputs
    }


def number(given: Json) -> int:
    """A quantity of JSON-RPC."""
    return int(str(given), 16)


def _value(kind: str, word: str) -> str | int:
    if kind == "bytes32":
        return "0x" + word
    if kind == "address":
        if int(word[:24], 16):
            raise ValueError("an address of more than 20 bytes")
        return "0x" + word[24:]
    return int(word, 16)


def _words(data: Json) -> list[str]:
    """The words of hex data, 64 digits each; raises ValueError."""
    if not isinstance(data, str) or not _DATA.match(data):
        raise ValueError("not whole words in lower-case hex")
    return [data[at : at + WORD] for at in range(2, len(data), WORD)]


def _topics(log: Log) -> list[str]:
    found = log["topics"]
    if not isinstance(found, list):
        raise TypeError("topics")
    return [word for topic in found for word in _words(topic)]


def _timestamp(block: Log) -> int:
    return number(block["timestamp"])


def _signature(event: Mapping[str, object]) -> str:
    inputs = event["inputs"]
    kinds = [each["type"] for each in inputs] if isinstance(inputs, list) else []
    return f"{event['name']}({','.join(kinds)})"


# By topic: the name and the arguments, the deal first.
EVENT_OF = {
    topic_of(_signature(each)): (str(each["name"]), each["inputs"])
    for each in load("Escrow").abi
    if each["type"] == "event" and each["name"] in EVENTS
}
