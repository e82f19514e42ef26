"""Ledgers: what was committed survives every crash, and no nonce comes twice."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from marketplace.core.errors import LedgerInUse, LedgerUnreadable
from marketplace.core.guardrails import Commitment
from marketplace.sdk.ledger import Ledger

NOW = 1_800_000_000
OFFER = Commitment(100, NOW + 10, 0, ("0x" + "11" * 32,))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.ledger"


@pytest.fixture
def ledger(path):
    opened = Ledger(path)
    opened.offered(1, OFFER)
    yield opened
    opened.close()


def reopened(ledger: Ledger, path: Path) -> Ledger:
    """After a restart; the old one wrote its last."""
    ledger.close()
    return Ledger(path)


def test_facts_survive_a_restart(ledger, path):
    ledger.offered(1, replace(OFFER, amount=70, open_by=NOW + 99, deals=("0x" + "22" * 32,)))
    ledger.offered(2, OFFER)
    ledger.offered(3, replace(OFFER, epoch=7))
    ledger.ended(2)
    known = ledger.exposure
    again = reopened(ledger, path)
    assert again.exposure == known
    assert again.exposure.total == 200
    assert again.exposure.commitments[1].deals == ("0x" + "11" * 32, "0x" + "22" * 32)
    again.close()


def test_a_ledger_without_a_path_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ledger = Ledger()
    ledger.offered(ledger.take_nonce(), OFFER)
    assert ledger.exposure.total == 100
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("ledger")
def test_only_the_owner_can_read_the_ledger(path):
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("ledger")
def test_a_second_signer_with_the_same_ledger_is_refused(path):
    with pytest.raises(LedgerInUse) as refused:
        Ledger(path)
    assert refused.value.path == str(path)


CLAIM = """
import sys
from pathlib import Path
from marketplace.sdk.ledger import Ledger
Ledger(Path(sys.argv[1]))
"""


@pytest.mark.usefixtures("ledger")
def test_another_process_cannot_spend_the_same_limit_again(path):
    command = [sys.executable, "-c", CLAIM, str(path)]
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "LedgerInUse" in other.stderr


def test_a_closed_ledger_writes_nothing_more(ledger, path):
    whole = path.read_bytes()
    ledger.close()
    ledger.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        ledger.offered(2, OFFER)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("kept", range(1, 12))
def test_a_torn_last_line_is_dropped_and_the_next_fact_is_intact(ledger, path, kept):
    whole = path.read_bytes()
    ledger.offered(2, OFFER)
    ledger.close()
    path.write_bytes(path.read_bytes()[: len(whole) + kept])
    again = Ledger(path)
    assert again.exposure.total == 100
    again.offered(3, replace(OFFER, amount=5))
    assert path.read_bytes().startswith(whole)
    third = reopened(again, path)
    assert third.exposure.total == 105
    third.close()


def test_a_torn_line_of_any_bytes_is_dropped(ledger, path):
    ledger.close()
    whole = path.read_bytes()
    path.write_bytes(whole + "[\u2028\u00e9".encode() + b"\xff\x00\r")
    again = Ledger(path)
    assert again.exposure.total == 100
    assert path.read_bytes() == whole
    again.close()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[",
        b"{}",
        b"[]",
        b"7",
        b"null",
        b'"offered"',
        b'["nonce"]',
        b'["spent", "1"]',
        b'["offered", "1"]',
        b'["ended", "one"]',
        b'["ended", null]',
        b'[["ended"], "1"]',
        b"\xff\xfe",
        b'["ended", "1"]\r["ended", "2"]',
    ],
)
def test_a_damaged_line_is_named_and_no_ledger_comes_of_it(ledger, path, line):
    ledger.close()
    path.write_bytes(path.read_bytes() + line + b'\n["ended", "1"]\n')
    for _ in range(2):  # and the file is not held by the one that failed
        with pytest.raises(LedgerUnreadable) as refused:
            Ledger(path)
        assert (refused.value.path, refused.value.line) == (str(path), 2)


def test_a_fact_that_the_disk_has_no_room_for_is_refused_and_leaves_no_half(
    ledger, path, monkeypatch
):
    whole, write = path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:5]))
    with pytest.raises(OSError, match="No space left"):
        ledger.offered(2, OFFER)
    monkeypatch.undo()
    assert path.read_bytes() == whole
    assert ledger.exposure.total == 100
    ledger.offered(3, replace(OFFER, amount=5))
    again = reopened(ledger, path)
    assert again.exposure.total == 105
    again.close()


def test_a_fact_is_on_the_disk_before_it_counts(ledger, path, monkeypatch):
    lines = path.read_bytes().count(b"\n")

    def broken(_: int) -> None:
        assert path.read_bytes().count(b"\n") == lines + 1
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        ledger.offered(2, OFFER)
    assert ledger.exposure.total == 100


def test_no_nonce_comes_twice_over_threads_and_restarts(path):
    seen: list[int] = []
    for _ in range(3):
        ledger = Ledger(path)
        with ThreadPoolExecutor(8) as pool:
            seen += pool.map(lambda _, of=ledger: of.take_nonce(), range(16))
        ledger.close()
    assert len(set(seen)) == 48
    assert max(seen) - min(seen) == 47


def test_two_new_ledgers_begin_at_words_of_the_bitmap_that_do_not_meet():
    first, second = Ledger().take_nonce(), Ledger().take_nonce()
    assert first % 256 == second % 256 == 0
    assert first != second
    assert first < 1 << 256


class LedgerModel(RuleBasedStateMachine):
    """A ledger under restarts and torn writes, against a dictionary of what each nonce costs."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "a.ledger"
        self.ledger = Ledger(self.path)
        self.costs: dict[int, list[Commitment]] = {}
        self.taken: list[int] = []

    nonces = st.integers(0, 4)
    offers = st.builds(
        Commitment,
        st.integers(0, 1_000),
        st.integers(NOW, NOW + 50),
        st.integers(0, 2),
        st.sampled_from(("0x" + "11" * 32, "0x" + "22" * 32)).map(lambda deal: (deal,)),
    )

    @rule()
    def take(self):
        self.taken.append(self.ledger.take_nonce())

    @rule(nonce=nonces, offer=offers)
    def offer(self, nonce, offer):
        self.ledger.offered(nonce, offer)
        self.costs.setdefault(nonce, []).append(offer)

    @rule(nonce=nonces)
    def end(self, nonce):
        self.ledger.ended(nonce)
        self.costs.pop(nonce, None)

    @rule(torn=st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"")))
    def crash(self, torn):
        self.ledger.close()
        with self.path.open("ab") as file:
            file.write(torn)
        self.ledger = Ledger(self.path)

    @invariant()
    def counts_what_the_dictionary_counts(self):
        known = self.ledger.exposure.commitments
        assert known.keys() == self.costs.keys()
        for nonce, offers in self.costs.items():
            assert known[nonce].amount == max(offer.amount for offer in offers)
            assert known[nonce].open_by == max(offer.open_by for offer in offers)
            assert known[nonce].epoch == offers[-1].epoch
            assert set(known[nonce].deals) == {offer.deals[0] for offer in offers}
        assert len(set(self.taken)) == len(self.taken)

    @invariant()
    def every_line_is_one_fact(self):
        facts = [json.loads(line)[0] for line in self.path.read_text().splitlines()]
        assert set(facts) <= {"nonce", "offered", "ended"}

    def teardown(self):
        self.ledger.close()
        shutil.rmtree(self.folder)


TestLedgerModel = LedgerModel.TestCase
TestLedgerModel.settings = settings(stateful_step_count=15)
