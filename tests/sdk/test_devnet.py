"""A development network's description: read as it was written, or refused by name."""

import json

import pytest

from marketplace.core.errors import DevnetMissing
from marketplace.sdk import Devnet, Wallet


@pytest.fixture
def described(tmp_path, network, registry):
    wallet = network.wallet(0)
    key = tmp_path / "buyer.key"
    wallet.save(key)
    token, escrow = network.token, network.deployment.escrow
    net = Devnet(network.rpc, registry, "embedded", escrow, token, {"buyer": str(key)})
    path = tmp_path / "devnet.json"
    members = {name: getattr(net, name) for name in Devnet.__match_args__}
    path.write_text(json.dumps(members))
    return path, net


def test_a_description_is_read_as_it_was_written(described):
    path, net = described
    assert Devnet.load(path) == net


def test_a_partys_client_keeps_its_ledger_beside_its_key(described, network):
    path, net = described
    with Devnet.load(path).client("buyer", network.limits()) as client:
        assert client.address == Wallet.load(net.keys["buyer"]).address
        client._means.signer.ledger.take_nonce()
    assert (path.parent / "buyer.ledger").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"rpc": "x"}', "{", '{"unknown": 1}'])
def test_what_is_no_description_is_refused_by_path(tmp_path, text):
    path = tmp_path / "devnet.json"
    path.write_text(text)
    with pytest.raises(DevnetMissing) as refused:
        Devnet.load(path)
    assert refused.value.path == str(path)


def test_a_missing_description_is_refused_by_path(tmp_path):
    with pytest.raises(DevnetMissing, match="FileNotFoundError"):
        Devnet.load(tmp_path / "none.json")
