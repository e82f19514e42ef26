"""A deal checked as the auditor's page has it: a shell, cast and sha256sum, none of our code."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dossier import changed
from live import OUTCOME, RegistryHost, Stage, network, registry, stage
from test_login_by_hand import CAST

__all__ = ["network", "registry", "stage"]

pytestmark = pytest.mark.node

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "audit.md").read_text()


@pytest.fixture(scope="module")
def evidence(network) -> dict[str, Any]:
    """Of a deal that was delivered and paid."""
    host = RegistryHost(network.domain)
    stage = Stage(network, host.url)
    two = stage.pair()
    agreement = two.agree()
    buying, selling = two.buyer.client.settle(agreement), two.seller.client.settle(agreement)
    buying.open()
    selling.deliver(b"done", OUTCOME["unit_price"] * OUTCOME["quantity"])
    buying.release()
    made = two.seller.client.evidence(selling)
    stage.close()
    host.stop()
    return made


def run_page(evidence: dict[str, Any], rpc: str, where: Path) -> subprocess.CompletedProcess[str]:
    """The page's script on an evidence file."""
    section = PAGE.split("\n## By hand\n")[1]
    found = re.search(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert found
    (where / "evidence.json").write_text(json.dumps(evidence))
    env = {**os.environ, "PATH": f"{CAST.parent}:{os.environ['PATH']}", "RPC": rpc}
    return subprocess.run(
        ["sh", "-e"],
        input=found[1],
        cwd=where,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_deal_is_checked_by_hand_and_without_the_registry(network, evidence, tmp_path: Path):
    ended = run_page(evidence, network.rpc, tmp_path)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert ended.stdout.count("Validation succeeded") == 3
    assert "is in the log of" in ended.stdout
    assert "its events are the chain's" in ended.stdout


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("typed_data", "message", "price"), "1"),
        (("transcript", -1, "proof", 0), "0x" + "11" * 32),
        (("transcript", -1, "leaf"), "{}"),
        (("events", 1, "transaction"), "0x" + "22" * 32),
        (("log", "key"), "0x" + "33" * 20),
    ],
)
def test_spoiled_file_is_found_by_hand_too(network, evidence, where, value, tmp_path: Path):
    ended = run_page(changed(evidence, where, value), network.rpc, tmp_path)
    assert ended.returncode != 0
