"""Audits of more than a tile: proved on all processors, kept on disk, taken up again."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
from forger import hashed
from liar import lying
from live import RegistryHost
from market import BUYER, STRANGER, word
from witness import DOMAINS, Witness

from marketplace.adapters.memory.store import MemoryStore
from marketplace.core.audit import Auditor, OnChain
from marketplace.core.message import Domains
from marketplace.core.signature import refused
from marketplace.sdk import audit_market, auditing
from marketplace.sdk.auditing import How, feed, in_parallel
from marketplace.sdk.remembered import Memory

sys.path.append(str(Path(__file__).parents[2] / "scripts"))
from bench.words import Hand, key_of

LISTINGS = 600


def test_signatures_are_refused_on_all_processors_as_on_one():
    digests = [word(f"{number}") for number in range(1_300)]
    claims = [(digest, BUYER.sign(digest), BUYER.address) for digest in digests]
    for place in (0, 511, 512, 1_023, 1_024, 1_299):
        claims[place] = (digests[place], STRANGER.sign(digests[place]), BUYER.address)
    with ThreadPoolExecutor(2) as pool:
        found = in_parallel(pool)(claims)
    alone = refused(claims)
    assert sorted(found) == sorted(alone) == [0, 511, 512, 1_023, 1_024, 1_299]
    assert {at: str(fault) for at, fault in found.items()} == {
        at: str(fault) for at, fault in alone.items()
    }


def test_no_entry_is_lost_between_two_pieces():
    entries, root = hashed([(b"entry %d" % number, b"") for number in range(5_000)])
    auditor = Auditor(DOMAINS, OnChain())
    read = [entries[start : start + 300] for start in range(0, 5_000, 300)]
    sizes = list(feed(auditor, read))
    assert sizes == sorted(sizes)
    assert sizes[-1] == auditor.tree.size == 5_000
    assert "0x" + auditor.tree.root.hex() == root


@pytest.fixture(scope="module")
def host(network):
    """A registry with hundreds of listings."""
    store, hand = MemoryStore(), Hand(network.domain, 1_800_000_000)
    witness = Witness(store, domains=Domains((network.domain,)))
    said = [hand.listing(key_of("seller"), f"Hours {number}") for number in range(LISTINGS)]
    anyio.run(witness.take, *said)
    made = RegistryHost(network.domain, store, public=True)
    yield made
    made.stop()


def tiles_asked(liar):
    asked = [line.removeprefix("GET /tile/") for line in liar.requests if "/tile/" in line]
    liar.requests.clear()
    return asked


def test_full_tiles_are_downloaded_once(network, host, tmp_path):
    how = How(Memory(tmp_path))
    with lying(host.url) as liar:
        assert audit_market(network.rpc, liar.url, None, how).ok
        first = tiles_asked(liar)
        report = audit_market(network.rpc, liar.url, None, how)
        second = tiles_asked(liar)
    assert report.ok
    assert report.checked["entries"] == LISTINGS
    assert {"entries/000", "entries/001", "0/000", "0/001"} <= {*first}
    assert {"entries/000", "entries/001", "0/000", "0/001"}.isdisjoint(second)
    assert f"entries/002.p/{LISTINGS - 512}" in second


def test_an_audit_that_broke_off_goes_on_where_it_was(network, host, tmp_path, monkeypatch):
    monkeypatch.setattr(auditing, "BUNDLES", 1)

    def stopped(_done, _size):
        raise InterruptedError

    with lying(host.url) as liar:
        with pytest.raises(InterruptedError):
            audit_market(network.rpc, liar.url, None, How(Memory(tmp_path), progress=stopped))
        tiles_asked(liar)
        seen = []
        how = How(Memory(tmp_path), progress=lambda *at: seen.append(at))
        assert audit_market(network.rpc, liar.url, None, how).ok
        again = tiles_asked(liar)
    assert "entries/000" not in again
    assert seen == [(256, LISTINGS), (512, LISTINGS), (LISTINGS, LISTINGS)]


def test_a_full_tile_that_was_spoiled_on_disk_is_downloaded_again(network, host, tmp_path):
    how = How(Memory(tmp_path))
    assert audit_market(network.rpc, host.url, None, how).ok
    for name in ("entries/001", "0/001"):
        path = tmp_path / "tiles" / name
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert audit_market(network.rpc, host.url, None, how).ok
        assert path.read_bytes() == data
