"""Anchoring: when, with which proof, and what a store that lost entries does."""

from dataclasses import dataclass, field

import pytest
from market import content, listing
from witness import LOG_KEY, Witness

from marketplace.core.checkpoint import Checkpoint
from marketplace.core.errors import ChainUnavailable, LogBehind
from marketplace.core.merkle import Proof, check_consistency
from marketplace.core.signature import Signature
from marketplace.ports.anchor import AnchorFacts
from marketplace.services.anchoring import Anchoring

pytestmark = pytest.mark.anyio

EMPTY = AnchorFacts(0, bytes(32), 0, 0, forked=False)
WORDS = [listing(what=content(title=f"Lot {number}")) for number in range(40)]


@dataclass
class Contract:
    """Checks what the contract checks."""

    kept: list[tuple[int, bytes]] = field(default_factory=list)
    away: bool = False

    async def facts(self) -> AnchorFacts:
        if self.away:
            raise ChainUnavailable("http://node", "away")
        return AnchorFacts(*self.kept[-1], 0, 0, forked=False) if self.kept else EMPTY

    async def bring(self, size: int, root: bytes, proof: Proof, signature: Signature) -> str:
        LOG_KEY.name.check(Checkpoint(LOG_KEY.origin, size, root), signature)
        if self.kept:
            check_consistency(self.kept[-1], (size, root), proof)
        else:
            assert proof == ()
        self.kept.append((size, root))
        return "0x" + "00" * 32


def anchoring(witness: Witness, contract: Contract, entries: int = 5) -> Anchoring:
    return Anchoring(
        store=witness.store,
        receipts=witness.services.receipts,
        log=witness.services.messages.log,
        clock=witness.clock,
        facts=contract.facts,
        bring=contract.bring,
        entries=entries,
        seconds=60,
    )


async def test_so_many_entries_are_anchored_at_once_and_fewer_wait():
    witness, contract = Witness(), Contract()
    worker = anchoring(witness, contract)
    assert await worker.run_once() == 0
    await witness.take(*WORDS[:4])
    assert await worker.run_once() == 0
    await witness.take(WORDS[4])
    assert await worker.run_once() == 5
    for end in (9, 12, 30):
        await witness.take(*WORDS[contract.kept[-1][0] : end])
        await worker.run_once()
    assert [size for size, _ in contract.kept] == [5, 12, 30]


async def test_few_entries_wait_no_longer_than_they_may():
    witness, contract = Witness(), Contract()
    worker = anchoring(witness, contract)
    await witness.take(WORDS[0])
    assert await worker.run_once() == 0
    witness.clock.at += 59
    assert await worker.run_once() == 0
    witness.clock.at += 1
    assert await worker.run_once() == 1
    # And the next one waits as long again.
    await witness.take(WORDS[1])
    witness.clock.at += 1_000
    assert await worker.run_once() == 1
    witness.clock.at += 60
    assert await worker.run_once() == 2


async def test_node_that_is_away_loses_nothing_and_stops_nothing():
    witness, contract = Witness(), Contract(away=True)
    worker = anchoring(witness, contract)
    await witness.take(*WORDS[:7])
    with pytest.raises(ChainUnavailable):
        await worker.run_once()
    await witness.take(WORDS[7])
    contract.away = False
    assert await worker.run_once() == 8


async def test_registry_that_pays_for_nothing_is_held_against_what_others_brought():
    witness, contract = Witness(), Contract()
    await witness.take(*WORDS[:7])
    await anchoring(witness, contract).run_once()
    await witness.take(*WORDS[7:20])
    watching = anchoring(witness, contract)
    watching.bring = None
    assert await watching.run_once() == 7
    assert len(contract.kept) == 1
    restored = Witness(clock=witness.clock)
    watching = anchoring(restored, contract)
    watching.bring = None
    with pytest.raises(LogBehind):
        await watching.run_once()


async def test_what_another_worker_brought_is_waited_for_no_longer():
    witness, contract = Witness(), Contract()
    one, two = anchoring(witness, contract), anchoring(witness, contract)
    await witness.take(WORDS[0])
    for worker in (one, two):
        assert await worker.run_once() == 0
    witness.clock.at += 60
    for worker in (one, two):
        assert await worker.run_once() == 1
    await witness.take(WORDS[1])
    witness.clock.at += 30
    assert await two.run_once() == 1
    assert len(contract.kept) == 1


async def test_log_is_held_against_what_is_anchored_without_bringing_anything():
    witness, contract = Witness(), Contract()
    await witness.take(*WORDS[:7])
    await anchoring(witness, contract).check()
    assert contract.kept == []
    await anchoring(witness, contract).run_once()
    restored = Witness(clock=witness.clock)
    with pytest.raises(LogBehind):
        await anchoring(restored, contract).check()
    with pytest.raises(LogBehind):
        await restored.take(WORDS[0])


async def test_two_workers_anchor_one_log():
    one, contract = Witness(), Contract()
    two = Witness(one.store, one.clock)
    workers = anchoring(one, contract), anchoring(two, contract)
    for start in range(0, 40, 8):
        await one.take(*WORDS[start : start + 8])
        for worker in workers:
            await worker.run_once()
    assert [size for size, _ in contract.kept] == [8, 16, 24, 32, 40]


async def test_store_that_lost_anchored_entries_takes_nothing_more():
    witness, contract = Witness(), Contract()
    await witness.take(*WORDS[:7])
    await anchoring(witness, contract).run_once()
    # The store came back from a copy that had only four of the seven.
    restored = Witness(clock=witness.clock)
    await restored.take(*WORDS[:4])
    worker = anchoring(restored, contract)
    with pytest.raises(LogBehind):
        await worker.run_once()
    with pytest.raises(LogBehind) as refused:
        await restored.take(WORDS[8])
    assert (refused.value.size, refused.value.anchored) == (4, 7)
    assert await restored.size() == 4
    with pytest.raises(LogBehind):
        await restored.services.receipts.note()


async def test_store_with_another_history_of_the_anchored_size_takes_nothing_more():
    witness, contract = Witness(), Contract()
    await witness.take(*WORDS[:7])
    await anchoring(witness, contract).run_once()
    for size in (7, 11):
        other = Witness(clock=witness.clock)
        await other.take(*WORDS[1 : size + 1])
        with pytest.raises(LogBehind):
            await anchoring(other, contract).run_once()
    with pytest.raises(LogBehind):
        await other.take(WORDS[20])
    assert contract.kept[-1][0] == 7
