"""The README's and the quickstart's blocks run as they stand."""

import json
import re
import sqlite3
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest
from parley_commands import devnet, run

from marketplace.core.values import keccak
from marketplace.sdk import audit_market

ROOT = Path(__file__).parents[2]
MOST_LINES = 10

PARTS = (
    ("SELECT idx, body FROM entries ORDER BY idx", "UPDATE entries SET body = ? WHERE idx = ?"),
    ("SELECT idx, leaf FROM entries ORDER BY idx", "UPDATE entries SET leaf = ? WHERE idx = ?"),
)


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def statements(block: str) -> list[str]:
    return [line for line in block.splitlines() if line.strip() and not line.startswith("#")]


@pytest.fixture
def net(tmp_path):
    with devnet(tmp_path, "--chain", "embedded") as network:
        yield tmp_path, network


def wait_for_listing(cwd: Path) -> None:
    asked = "from marketplace.sdk import *; n = Devnet.load(); "
    asked += "print(len(n.client('buyer', Limits(n.token, 0)).search()))"
    for _ in range(60):
        told = subprocess.run(
            [sys.executable, "-c", asked], cwd=cwd, capture_output=True, text=True, check=True
        )
        if told.stdout.strip() != "0":
            return
        time.sleep(0.2)
    pytest.fail("the seller never published its listing")


def test_the_seller_and_the_buyer_of_the_readme_are_ten_lines_each_and_deal(net):
    cwd, network = net
    seller, buyer = blocks("README.md")
    assert seller.startswith("# seller.py")
    assert buyer.startswith("# buyer.py")
    assert max(len(statements(seller)), len(statements(buyer))) <= MOST_LINES
    shop = subprocess.Popen(
        [sys.executable, "-u", "-c", seller],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for_listing(cwd)
        bought = subprocess.run(
            [sys.executable, "-c", buyer],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert bought.returncode == 0, bought.stderr
        assert bought.stdout.startswith("RELEASED ")
        # The module computed what hashlib computes.
        digest = sha256(b"hello, world").hexdigest()
        assert digest in bought.stdout
    finally:
        shop.kill()
        told, _ = shop.communicate()
    assert "Traceback" not in told
    audit = run("audit", "--json", "--rpc", network["rpc"], "--log", network["registry"], cwd=cwd)
    assert audit.returncode == 0
    assert json.loads(audit.stdout)["checked"]["deals"] == 1
    check_that_one_altered_byte_is_found(cwd, network)


def check_that_one_altered_byte_is_found(cwd: Path, network: dict[str, str]) -> None:
    """Alter one byte of each stored leaf and body in turn, in the registry's own database."""
    database = sqlite3.connect(cwd / ".parley" / "devnet" / "registry.sqlite", isolation_level=None)
    stored = [
        (update, index, data)
        for select, update in PARTS
        for index, data in database.execute(select)
        if data
    ]
    assert len(stored) > 10
    for update, index, data in stored:
        place = keccak(data)[0] * len(data) // 256
        altered = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        database.execute(update, (altered, index))
        report = audit_market(network["rpc"], network["registry"])
        assert f"entry {index}" in {finding.where for finding in report.findings}
        database.execute(update, (data, index))
    assert audit_market(network["rpc"], network["registry"]).ok
    update, last, data = next(each for each in stored[::-1] if b'"acceptance"' in each[2])
    database.execute(update, (data.replace(b"acceptance", b"accePtance"), last))
    told = run("audit", "--rpc", network["rpc"], "--log", network["registry"], cwd=cwd)
    assert told.returncode == 1
    assert "NOT OK" in told.stdout
    assert "leaf hash stated" in told.stdout.replace("\n", " ")
    database.close()


def test_the_blocks_of_the_quickstart_run_as_they_stand(net):
    cwd, _ = net
    for block in blocks("docs/quickstart.md"):
        ended = subprocess.run(
            [sys.executable, "-c", block],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.strip()
