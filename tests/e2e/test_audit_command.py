"""``parley audit``: says what it was not shown, and takes the path to a key, never the key."""

import json

import pytest
from live import RegistryHost, Stage, network
from typer.testing import CliRunner

from marketplace.cli import build
from marketplace.sdk import Wallet

__all__ = ["network"]


@pytest.fixture
def closed(network, tmp_path):
    """A registry with a talk that only its parties and one auditor may read."""
    auditor = Wallet.create()
    auditor.save(tmp_path / "auditor.key")
    host = RegistryHost(network.domain, auditors=(auditor.address,))
    stage = Stage(network, host.url)
    two = stage.pair()
    yield ["audit", "--rpc", network.rpc, "--log", host.url], two, tmp_path / "auditor.key"
    stage.close()
    host.stop()


def test_what_was_not_shown_is_named_and_not_called_complete(closed):
    command, two, _ = closed
    told = json.loads(CliRunner().invoke(build(["audit"]), [*command, "--json"]).stdout)
    assert (told["ok"], told["complete"]) == (True, False)
    assert told["unread"] == [two.buying.id]
    assert (told["confidential"], told["unwitnessed"]) == ([], [])
    shown = CliRunner().invoke(build(["audit"]), command).stdout
    assert two.buying.id in shown
    assert "not shown to this reader" in shown
    assert "OK for what was shown" in shown


def test_with_the_auditors_key_file_all_is_read(closed):
    command, two, key = closed
    ended = CliRunner().invoke(build(["audit"]), [*command, "--key", str(key), "--json"])
    told = json.loads(ended.stdout)
    assert (told["ok"], told["complete"], told["unread"]) == (True, True, [])
    assert ended.exit_code == 0
    shown = CliRunner().invoke(build(["audit"]), [*command, "--key", str(key)]).stdout
    assert two.buying.id not in shown
    assert key.read_text().strip() not in shown
