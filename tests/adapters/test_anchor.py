"""A log at the anchor contract: what is read there, what is written, what is refused by name."""

import json
import os
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from subprocess import run

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from web3 import Web3

from marketplace.adapters.evm.anchor import EvmAnchor, EvmAnchorView
from marketplace.adapters.evm.artifact import load
from marketplace.adapters.evm.deploy import Deployer
from marketplace.adapters.evm.devchain import DevChain, start_chain
from marketplace.adapters.evm.factory import anchor_address, created_at, escrow_address
from marketplace.adapters.evm.hand import Hand
from marketplace.adapters.evm.view import EvmView
from marketplace.core.checkpoint import Checkpoint, LogKey, log_domain, origin_hash
from marketplace.core.errors import (
    BondBound,
    ChainUnavailable,
    CheckpointNotNewer,
    ForkUnproved,
    LogForked,
    NotConsistent,
    NoticeRunning,
    NotIncluded,
    PaymentRefused,
    WrongSigner,
)
from marketplace.core.merkle import Tree, consistency_path, leaf_hash, resolve, root_hash
from marketplace.ports.anchor import AnchorFacts

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests/vectors/anchor.json").read_text())["checkpoints"]
NUMBERS = count(1)
GROWTH = Tree().grown([leaf_hash(f"entry {number}".encode()) for number in range(20)])
ZERO = bytes(32)


class Log:
    """A log of its own for each test, and a hand that pays for its gas and has no right to it."""

    def __init__(self, chain: DevChain) -> None:
        self.chain = chain
        self.origin = f"registry{next(NUMBERS)}.example"
        domain = log_domain(chain.chain_id, anchor_address())
        self.keys = LogKey(self.origin, domain, os.urandom(32))
        self.key = self.keys.name.key
        payer = Account.from_key(chain.keys[3])
        self.hand = Hand(EvmView(chain.rpc_url, escrow_address()), chain.rpc_url, payer)
        self.view = EvmAnchorView(chain.rpc_url, self.key, self.origin)
        self.written = EvmAnchor(self.hand, self.key, self.origin)
        contract = self.hand.view.web3.eth.contract
        address = Web3.to_checksum_address(anchor_address())
        self.calls = contract(address, abi=load("CheckpointAnchor").abi).functions
        self.name = Web3.to_checksum_address(self.key), bytes.fromhex(origin_hash(self.origin)[2:])

    def sign(self, size: int, root: bytes) -> str:
        return self.keys.sign(Checkpoint(self.origin, size, root))

    def anchor(self, old: int, size: int) -> str:
        proof = resolve(consistency_path(old, size), GROWTH.nodes.__getitem__)
        return self.written.anchor(size, root(size), proof, self.sign(size, root(size)))

    def deposit(self, amount: int) -> None:
        web3, payer = self.hand.view.web3, Account.from_key(self.chain.keys[0])
        head = {"nonce": web3.eth.get_transaction_count(payer.address), "value": amount}
        built = self.calls.deposit(*self.name).build_transaction({"from": payer.address} | head)
        sent = web3.eth.send_raw_transaction(payer.sign_transaction(built).raw_transaction)
        assert web3.eth.wait_for_transaction_receipt(sent)["status"] == 1


def root(size: int) -> bytes:
    return root_hash([GROWTH.nodes[0, place] for place in range(size)])


@pytest.fixture(scope="module", params=["embedded", pytest.param("anvil", marks=pytest.mark.node)])
def chain(request: pytest.FixtureRequest) -> Iterator[DevChain]:
    with start_chain(request.param) as chain:
        Deployer(chain.rpc_url, chain.keys[0]).deploy()
        yield chain


@pytest.fixture
def log(chain: DevChain) -> Log:
    return Log(chain)


def test_the_anchor_is_at_its_one_address_in_the_domain_that_checkpoints_are_signed_in(log: Log):
    assert anchor_address() == created_at(load("CheckpointAnchor").bytecode)
    assert log.hand.view.web3.eth.get_code(Web3.to_checksum_address(anchor_address()))
    _, name, version, chain_id, contract, *_ = log.calls.eip712Domain().call()
    domain = log.keys.domain
    assert (name, version, chain_id) == (domain.name, domain.version, domain.chain_id)
    assert contract.lower() == domain.verifying_contract


def test_a_log_that_nobody_has_named_is_all_zeros(log: Log):
    assert log.view.facts() == AnchorFacts(0, ZERO, 0, 0, forked=False)
    assert log.view.history() == []


def test_what_is_anchored_is_read_again_with_its_block_and_transaction(log: Log):
    sent = [log.anchor(0, 5), log.anchor(5, 8), log.anchor(8, 20)]
    assert log.view.facts() == AnchorFacts(20, root(20), 0, 0, forked=False)
    history = log.view.history()
    assert [(one.size, one.root) for one in history] == [(s, root(s)) for s in (5, 8, 20)]
    assert [one.transaction for one in history] == sent
    web3 = log.hand.view.web3
    for one in history:
        receipt = web3.eth.get_transaction_receipt(one.transaction)
        assert one.block == receipt["blockNumber"]
        assert one.at == web3.eth.get_block(one.block)["timestamp"]
    assert sorted(one.block for one in history) == [one.block for one in history]


def test_logs_of_another_key_or_origin_are_not_read_for_this_one(chain: DevChain, log: Log):
    log.anchor(0, 5)
    other = Log(chain)
    other.anchor(0, 8)
    assert [one.size for one in log.view.history()] == [5]
    assert [one.size for one in other.view.history()] == [8]
    for stranger in (
        EvmAnchorView(chain.rpc_url, other.key, log.origin),
        EvmAnchorView(chain.rpc_url, log.key, other.origin),
    ):
        assert stranger.facts().size == 0
        assert stranger.history() == []


def test_each_refusal_of_an_anchor_has_its_name_and_its_values(log: Log):
    log.anchor(0, 5)
    with pytest.raises(CheckpointNotNewer) as not_newer:
        log.anchor(0, 5)
    assert not_newer.value.values == {"stored": 5, "given": 5}
    with pytest.raises(NotConsistent) as inconsistent:
        log.written.anchor(8, root(8), (), log.sign(8, root(8)))
    assert inconsistent.value.values == {
        "old_size": 5,
        "old_root": "0x" + root(5).hex(),
        "size": 8,
        "root": "0x" + root(8).hex(),
    }
    with pytest.raises(WrongSigner) as unsigned:
        log.written.anchor(8, root(8), (), "0x" + "00" * 65)
    assert unsigned.value.values == {"expected": log.key, "recovered": "0x" + "00" * 20}
    assert log.view.facts().size == 5


def test_a_bond_a_notice_and_a_fork_are_read(log: Log):
    log.deposit(1_001)
    assert log.view.facts() == AnchorFacts(0, ZERO, 1_001, 0, forked=False)
    log.anchor(0, 5)
    log.hand.send("proveFork", fork(log, root(5), root(8)))
    assert log.view.facts() == AnchorFacts(5, root(5), 0, 0, forked=True)
    with pytest.raises(LogForked) as ended:
        log.anchor(5, 8)
    assert ended.value.values == {"key": log.key, "origin": origin_hash(log.origin)}


def test_refusals_of_the_other_calls_have_their_names_too(log: Log):
    origin = log.name[1]
    with pytest.raises(ForkUnproved) as equal:
        log.hand.send("proveFork", fork(log, root(5), root(5)))
    assert equal.value.values == {"first": "0x" + root(5).hex(), "second": "0x" + root(5).hex()}
    with pytest.raises(BondBound) as bound:
        log.hand.send("withdraw", log.calls.withdraw(origin, log.name[0]))
    assert bound.value.values["notice_ends_at"] == 0
    # A log of the payer's own key: notice is the key's alone.
    log.hand.send("giveNotice", log.calls.giveNotice(origin))
    with pytest.raises(NoticeRunning) as running:
        log.hand.send("giveNotice", log.calls.giveNotice(origin))
    ends_at = EvmAnchorView(log.chain.rpc_url, log.hand.address, log.origin).facts().notice_ends_at
    assert running.value.values["notice_ends_at"] == ends_at == notice_given_at(log) + 7 * 86_400
    one = 1, root(1), bytes.fromhex(log.sign(1, root(1))[2:]), ZERO, []
    other = 1, root(1), bytes.fromhex(log.sign(1, root(1))[2:]), root(1), []
    with pytest.raises(NotIncluded) as absent:
        log.hand.send("proveRewrite", log.calls.proveRewrite(*log.name, 0, one, other))
    assert absent.value.values == {
        "index": 0,
        "root": "0x" + root(1).hex(),
        "computed": "0x" + "00" * 32,
    }


def test_a_receiver_that_takes_no_coin_is_named(log: Log):
    web3, payer = log.hand.view.web3, Web3.to_checksum_address(log.hand.address)
    log.name = payer, log.name[1]
    log.deposit(7)
    log.hand.send("giveNotice", log.calls.giveNotice(log.name[1]))
    web3.manager.request_blocking("evm_increaseTime", [7 * 86_400])
    web3.manager.request_blocking("evm_mine", [])
    # The anchor itself takes coin by deposit alone.
    refused = log.calls.withdraw(log.name[1], Web3.to_checksum_address(anchor_address()))
    with pytest.raises(PaymentRefused) as payment:
        log.hand.send("withdraw", refused)
    assert payment.value.values == {"to": anchor_address(), "amount": 7}
    treasury = Web3.to_checksum_address("0x" + "be" * 20)
    log.hand.send("withdraw", log.calls.withdraw(log.name[1], treasury))
    assert web3.eth.get_balance(treasury) == 7


def test_a_chain_that_does_not_answer_is_named():
    view = EvmAnchorView("http://127.0.0.1:1", "0x" + "11" * 20, "registry.example")
    for asked in (view.facts, view.history):
        with pytest.raises(ChainUnavailable):
            asked()


def test_the_vectors_are_fresh():
    command = [sys.executable, "scripts/anchor_vectors.py", "--check"]
    ended = run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("told", VECTORS, ids=lambda told: told["typed_data"]["message"]["origin"])
def test_a_checkpoint_s_digest_is_that_of_a_foreign_library(told: dict):
    signable = encode_typed_data(full_message=told["typed_data"])
    signer = Account.recover_message(signable, signature=told["signature"])
    assert signer.lower() == told["key"]
    hashed = Web3.keccak(b"\x19" + signable.version + signable.header + signable.body)
    assert "0x" + bytes(hashed).hex() == told["digest"]


@pytest.mark.node
@pytest.mark.parametrize("told", VECTORS, ids=lambda told: told["typed_data"]["message"]["origin"])
@pytest.mark.parametrize("spoiled", [False, True])
def test_a_checkpoint_s_signature_is_verified_by_cast(told: dict, *, spoiled: bool):
    (cast,) = (ROOT / "node_modules/@foundry-rs").glob("cast-*/bin/cast")
    document = told["typed_data"] | {}
    if spoiled:
        document["message"] = told["typed_data"]["message"] | {"root": "0x" + "5a" * 32}
    command = [cast, "wallet", "verify", "--data", "--address", told["key"]]
    ended = run(
        [*command, json.dumps(document), told["signature"]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode == 0) is not spoiled, ended.stderr
    assert ("Validation succeeded" in ended.stdout) is not spoiled


def test_the_contract_s_digest_is_python_s(log: Log):
    told = Checkpoint(log.origin, 20, root(20))
    digest = log.calls.checkpointDigest(log.name[1], told.size, told.root).call()
    assert "0x" + bytes(digest).hex() == told.digest(log.keys.domain)


def fork(log: Log, one: bytes, other: bytes):
    signatures = [bytes.fromhex(log.sign(5, each)[2:]) for each in (one, other)]
    return log.calls.proveFork(*log.name, 5, one, signatures[0], other, signatures[1])


def notice_given_at(log: Log) -> int:
    web3 = log.hand.view.web3
    event = web3.eth.contract(abi=load("CheckpointAnchor").abi).events.NoticeGiven()
    (told,) = web3.eth.get_logs(
        {
            "address": Web3.to_checksum_address(anchor_address()),
            "topics": [
                event.topic,
                "0x" + bytes.fromhex(log.hand.address[2:]).rjust(32, b"\0").hex(),
                "0x" + log.name[1].hex(),
            ],
            "fromBlock": 0,
            "toBlock": "latest",
        }
    )
    return web3.eth.get_block(told["blockNumber"])["timestamp"]
