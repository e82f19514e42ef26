"""`ape run deploy`, the real command: one address, one record, nothing done twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from web3 import HTTPProvider, Web3

from marketplace.adapters.evm.anvil import find_anvil, start_anvil
from marketplace.adapters.evm.artifact import load
from marketplace.adapters.evm.factory import (
    FACTORY,
    FACTORY_SENDER,
    anchor_address,
    batch_address,
    escrow_address,
    exchange_arbiter_address,
)
from marketplace.core.values import keccak

ROOT = Path(__file__).parents[2]
APE = Path(sys.executable).with_name("ape")
MNEMONIC = "test test test test test test test test test test test junk"
LOCAL, LIVE = 1337, 31337  # only the first is what Ape takes for its own development network
OURS = {
    "Escrow": escrow_address(),
    "Batch": batch_address(),
    "ExchangeArbiter": exchange_arbiter_address(),
    "CheckpointAnchor": anchor_address(),
}
SECONDS = 120


class Node:
    """An Anvil that the command is pointed at, and a directory for its record."""

    def __init__(self, url, chain_id, into) -> None:
        self.web3 = Web3(HTTPProvider(url))
        self.network = f"ethereum:local:{url}" if chain_id == LOCAL else url
        self.chain_id = chain_id
        self.into = into
        self.path = into / f"{chain_id}.json"

    @property
    def height(self):
        """How many blocks there are: Anvil makes one for each transaction."""
        return self.web3.eth.block_number

    def deploy(self, options=()):
        """Run the command."""
        return deploy(self.into, self.network, options)

    def has_recorded(self, changes=None):
        """Leave the record of an earlier run, but for some changes."""
        code = load("Escrow").bytecode
        entry = {
            "address": escrow_address(),
            "creation_code_keccak256": "0x" + keccak(code).hex(),
        }
        record = {"chain_id": self.chain_id, "contracts": {"Escrow": entry | (changes or {})}}
        self.path.write_text(json.dumps(record))
        return self.path.read_bytes()

    def set_at(self, address, what, value):
        """Change an account as only a development node can: its Code or its Balance."""
        whose = Web3.to_checksum_address(address)
        self.web3.manager.request_blocking(f"anvil_set{what}", [whose, value])


def deploy(into, network, options=()):
    """Run `ape run deploy` to its end, without the user's own accounts."""
    return subprocess.run(
        [APE, "run", "deploy", "--network", network, "--into", into, *options],
        cwd=ROOT,
        env=os.environ | {"APE_DATA_FOLDER": str(into / "ape")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.fixture
def node(request, tmp_path):
    anvil = start_anvil(find_anvil(os.environ, ROOT), 0, request.param, MNEMONIC)
    yield Node(anvil.url, request.param, tmp_path)
    anvil.close()


def on(chain_id):
    return pytest.mark.parametrize("node", [chain_id], indirect=True, ids=[str(chain_id)])


def recorded(path):
    return json.loads(path.read_text())["contracts"]


def addresses(path):
    return {name: entry["address"] for name, entry in recorded(path).items()}


def test_a_chain_with_nothing_on_it_gets_the_factory_and_the_escrow(tmp_path):
    ended = deploy(tmp_path, "ethereum:local:test")
    assert ended.returncode == 0, ended.stderr
    assert addresses(tmp_path / f"{LOCAL}.json") == OURS


@on(LOCAL)
def test_deploying_again_sends_nothing_and_leaves_the_record_as_it_was(node):
    first = node.deploy()
    assert first.returncode == 0, first.stderr
    assert addresses(node.path) == OURS
    for made in recorded(node.path).values():
        receipt = node.web3.eth.get_transaction_receipt(made["transaction"])
        assert (receipt["to"].lower(), receipt["blockNumber"]) == (FACTORY, made["block"])
        assert node.web3.eth.get_code(Web3.to_checksum_address(made["address"]))
    kept, height = node.path.read_bytes(), node.height

    second = node.deploy()
    assert second.returncode == 0, second.stderr
    assert "nothing sent" in second.stdout
    assert (node.path.read_bytes(), node.height) == (kept, height)


@on(LOCAL)
def test_the_record_of_another_deployment_is_not_overwritten(node):
    other = "0x" + "ab" * 32
    kept = node.has_recorded({"creation_code_keccak256": other})
    ended = node.deploy()
    assert ended.returncode == 1
    now = "0x" + keccak(load("Escrow").bytecode).hex()
    assert f"Escrow.creation_code_keccak256 is {other} there and {now} now" in ended.stderr
    assert "move the record away" in ended.stderr
    assert (node.path.read_bytes(), node.height) == (kept, 0)


@on(LIVE)
def test_a_live_chain_needs_an_account_and_leave_to_make_the_factory(node):
    unpaid = node.deploy()
    assert unpaid.returncode == 1
    assert "--account" in unpaid.stderr

    node.set_at(FACTORY, "Code", "0x")
    node.set_at(FACTORY_SENDER, "Balance", "0x0")
    refused = node.deploy(["--account", "TEST::0"])
    assert refused.returncode == 1
    assert FACTORY in refused.stderr
    assert "--make-factory" in refused.stderr
    assert (node.path.exists(), node.height) == (False, 0)

    made = node.deploy(["--account", "TEST::0", "--make-factory"])
    assert made.returncode == 0, made.stderr
    assert addresses(node.path) == OURS


@on(LIVE)
def test_a_live_chain_without_what_its_record_says_is_refused(node):
    kept = node.has_recorded()
    ended = node.deploy(["--account", "TEST::0"])
    assert ended.returncode == 1
    assert "has no code there" in ended.stderr
    assert (node.path.read_bytes(), node.height) == (kept, 0)


@on(LIVE)
def test_foreign_code_at_the_address_is_refused_and_not_recorded(node):
    node.set_at(escrow_address(), "Code", "0x00")
    ended = node.deploy(["--account", "TEST::0"])
    assert ended.returncode == 1
    assert "Do not use it" in ended.stderr
    assert not node.path.exists()
