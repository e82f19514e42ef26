"""``parley audit``: says what it was not shown, and takes the path to a key, never the key."""

import io
import json
import time

import pytest
from live import OUTCOME, RegistryHost, Stage, network
from rich.console import Console
from typer.testing import CliRunner

from marketplace.adapters.memory.store import MemoryStore
from marketplace.cli import build
from marketplace.core.errors import DecisionsUnreadable
from marketplace.sdk import Wallet

__all__ = ["network"]


@pytest.fixture
def auditor():
    return Wallet.create()


@pytest.fixture
def host(network, auditor):
    made = RegistryHost(network.domain, auditors=(auditor.address,))
    yield made
    made.stop()


@pytest.fixture
def closed(network, host, auditor, tmp_path):
    """A registry with a talk that only its parties and one auditor may read."""
    auditor.save(tmp_path / "auditor.key")
    stage = Stage(network, host.url)
    two = stage.pair()
    yield ["audit", "--rpc", network.rpc, "--log", host.url], two, tmp_path / "auditor.key"
    stage.close()


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


def invoked(command, *more: str):
    return CliRunner().invoke(build(["audit"]), [*command, *more])


def test_the_second_audit_begins_where_the_first_ended(closed, tmp_path):
    command, two, key = closed
    kept = ["--key", str(key), "--state", str(tmp_path / "state"), "--json"]
    first = json.loads(invoked(command, *kept).stdout)
    assert (first["since"], first["checked"]["signatures"]) == (0, 2)
    two.selling.offer(OUTCOME, {})
    second = json.loads(invoked(command, *kept, "--since", "last").stdout)
    assert (second["ok"], second["since"], second["checked"]["signatures"]) == (True, 2, 1)
    assert second["opened"] == {
        two.buying.id: {"right": "authorised", "read": 2, "unread": 0},
    }
    third = invoked(command, *kept[:-1], "--since", "1")
    assert "signatures of entries below 1: as audited before" in third.stdout
    assert "negotiations by the right to read them: 1 authorised" in third.stdout


def test_two_nodes_are_asked_where_two_are_named(closed, network):
    command, _, key = closed
    ended = invoked(command, "--rpc", network.rpc, "--key", str(key), "--json")
    assert json.loads(ended.stdout)["ok"] is True


def test_a_fork_is_shown_with_both_checkpoints(closed, network, host, tmp_path):
    command, _, key = closed
    kept = ["--key", str(key), "--state", str(tmp_path / "state")]
    assert invoked(command, *kept).exit_code == 0
    host.stop()
    host.store = MemoryStore()
    host.start()
    stage = Stage(network, host.url)
    stage.pair()
    ended = invoked(command, *kept)
    stage.close()
    assert ended.exit_code == 1
    assert "fork: two checkpoints that this log signed; keep both" in ended.stdout
    assert ended.stdout.count("\u2014 127.0.0.1:") == 4
    assert "NOT OK" in ended.stdout


@pytest.mark.parametrize("since", ["first", "-1", "1.5"])
def test_a_size_that_is_none_is_refused_by_its_name(closed, since):
    command, _, _ = closed
    ended = invoked(command, "--since", since)
    assert ended.exit_code == 2
    assert since in ended.output


def test_a_terminal_sees_how_far_the_audit_is_and_a_program_does_not(closed, monkeypatch):
    command, _, _ = closed
    for json_asked in (False, True):
        drawn = io.StringIO()
        terminal = Console(file=drawn, force_terminal=True, width=80)
        monkeypatch.setattr("marketplace.commands.audit.errors", terminal)
        assert invoked(command, *(["--json"] if json_asked else [])).exit_code == 0
        assert ("2/2" in drawn.getvalue()) == (not json_asked)


@pytest.fixture
def signed(network, host, tmp_path):
    """A seller's ledger, and what the same key has signed elsewhere in the time between."""
    stage = Stage(network, host.url)
    wallet, path = network.wallet(), tmp_path / "seller.ledger"
    seller, elsewhere = stage.party(wallet, ledger=path), stage.party(wallet)
    listed, buyer = seller.client.publish(network.content()), stage.party()
    for party in (seller, elsewhere, seller):
        party.talk(buyer.client.invite(listed).id).offer(OUTCOME, {})
        time.sleep(1.1)  # instants are whole seconds
    handed = tmp_path / "handed.jsonl"
    handed.write_text("".join(json.dumps(d.to_json()) + "\n" for d in elsewhere.client.decisions()))
    command = ["audit", "--rpc", network.rpc, "--log", host.url, "--state", str(tmp_path / "state")]
    yield [*command, "--decisions", str(path)], handed
    stage.close()


def test_a_signer_s_ledger_is_held_against_what_the_log_has_of_its_key(signed):
    command, handed = signed
    ended = invoked(command, "--json")
    told = json.loads(ended.stdout)
    assert (ended.exit_code, told["ok"]) == (1, False)
    (finding,) = told["findings"]
    assert finding["kind"] == "policy"
    assert "no decision in the record allows them" in finding["what"]
    assert (told["checked"]["decisions"], told["checked"]["decided"]) == (2, 3)
    # With the record of the other place nothing is left to be found.
    whole = invoked(command, "--decisions", str(handed), "--json")
    assert (whole.exit_code, json.loads(whole.stdout)["checked"]["decisions"]) == (0, 3)
    handed.write_text(handed.read_text().replace("allow", "deny", 1))
    with pytest.raises(DecisionsUnreadable):
        CliRunner().invoke(
            build(["audit"]), [*command, "--decisions", str(handed)], catch_exceptions=False
        )
