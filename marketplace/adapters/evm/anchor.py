"""A log at the anchor contract, over JSON-RPC."""

from typing import Any

from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.types import FilterParams

from marketplace.adapters.evm.artifact import load
from marketplace.adapters.evm.encoding import raw
from marketplace.adapters.evm.factory import anchor_address
from marketplace.adapters.evm.hand import Hand
from marketplace.adapters.evm.view import connect, naming
from marketplace.core.checkpoint import origin_hash
from marketplace.core.merkle import Proof
from marketplace.core.signature import Signature
from marketplace.core.values import Address, Digest
from marketplace.ports.anchor import Anchored, AnchorFacts


class EvmAnchorView:
    """The log of a key and an origin, read without a key."""

    def __init__(self, rpc_url: str, key: Address, origin: str) -> None:
        self._rpc_url = rpc_url
        self._web3 = connect(rpc_url)
        self._contract = _contract(self._web3)
        self._log = _name(key, origin)

    def facts(self) -> AnchorFacts:
        """What is kept now; zeros where nobody has named the log yet."""
        with naming("log", self._rpc_url):
            size, root, bond, notice_ends_at, forked = self._contract.functions.log(
                *self._log
            ).call()
        return AnchorFacts(int(size), bytes(root), int(bond), int(notice_ends_at), bool(forked))

    def history(self) -> list[Anchored]:
        """Every checkpoint that was taken, in order."""
        event = self._contract.events.Anchored()
        key, origin = self._log
        # Both are indexed: of other logs at the contract nothing is sent here.
        named = [event.topic, "0x" + raw(key).rjust(32, b"\0").hex(), "0x" + origin.hex()]
        wanted: FilterParams = {
            "address": self._contract.address,
            "topics": named,
            "fromBlock": 0,
            "toBlock": "latest",
        }
        with naming("history", self._rpc_url):
            logs = self._web3.eth.get_logs(wanted)
            blocks = {int(log["blockNumber"]) for log in logs}
            times = {block: int(self._web3.eth.get_block(block)["timestamp"]) for block in blocks}
        return [_anchored(event.process_log(log), times) for log in logs]


class EvmAnchor:
    """The same log, written; whoever's hand it is pays the gas and needs no right to it."""

    def __init__(self, hand: Hand, key: Address, origin: str) -> None:
        self._hand = hand
        self._functions = _contract(hand.view.web3).functions
        self._log = _name(key, origin)

    def anchor(self, size: int, root: bytes, proof: Proof, signature: Signature) -> Digest:
        """Bring a larger checkpoint; returns the transaction once it is mined.

        Raises:
            CheckpointNotNewer: one of that size or larger is there.
            NotConsistent: the proof does not lead from what is there.
            WrongSigner: the log's key did not sign it, for this chain's contract.
            LogForked: the log has ended.
            ChainUnavailable: nobody has answered.
        """
        told = size, root, list(proof), raw(signature)
        return self._hand.send("anchor", self._functions.anchor(*self._log, *told)).hash


def _contract(web3: Web3) -> Any:  # noqa: ANN401 web3 builds contract classes at run time
    address = to_checksum_address(anchor_address())
    return web3.eth.contract(address, abi=load("CheckpointAnchor").abi)


def _name(key: Address, origin: str) -> tuple[str, bytes]:
    return to_checksum_address(key), raw(origin_hash(origin))


def _anchored(log: Any, times: dict[int, int]) -> Anchored:  # noqa: ANN401 a web3 event
    given, block = log["args"], int(log["blockNumber"])
    transaction = "0x" + bytes(log["transactionHash"]).hex()
    return Anchored(int(given["size"]), bytes(given["root"]), times[block], block, transaction)
