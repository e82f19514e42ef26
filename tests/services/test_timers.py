"""Timers: each deadline that passes is noted once, in its place, and those concerned are woken."""

import asyncio
from dataclasses import dataclass, field

import pytest
from market import (
    BUYER,
    DOMAIN,
    FIRST_DOMAIN,
    NOW,
    SELLER,
    Party,
    accept,
    invite,
    listing,
    offer,
    proposed,
    talk,
    withdraw,
)
from witness import LOG_KEY, SetClock, Witness

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.memory.store import MemoryStore
from marketplace.bootstrap import build_services
from marketplace.core.audit import audit
from marketplace.core.entry import TIMEOUT
from marketplace.core.errors import ParleyError, StoreUnavailable
from marketplace.core.message import Domains
from marketplace.core.negotiation import State
from marketplace.ports.store import Entry, Record
from marketplace.services import timers as module
from marketplace.services.access import Access
from marketplace.services.timers import Timers

pytestmark = pytest.mark.anyio

LISTED = listing()
TALK = talk(LISTED)
DEADLINE = TALK.invitation.deadline


def timers(witness: Witness, bus: MemoryBus | None = None) -> Timers:
    """A worker of its own over the witness's store: it remembers nothing of the others'."""
    bus = bus or MemoryBus()
    clock, access = witness.clock, Access()
    others = build_services(Domains((DOMAIN,)), witness.store, bus, clock, access, LOG_KEY)
    return Timers(witness.store, others.messages.log, witness.clock, others.negotiations)


async def silent(store: MemoryStore | None = None) -> Witness:
    witness = Witness(store or MemoryStore())
    await witness.take(LISTED, invite(LISTED), offer(TALK, SELLER))
    return witness


async def notes(witness: Witness) -> list[Entry]:
    every = await witness.store.entries(0, 1_000)
    return [entry for entry in every if entry.record.kind == TIMEOUT]


async def test_deadline_is_noted_when_it_has_passed_and_not_before():
    witness = await silent()
    witness.clock.at = DEADLINE - 1
    assert await timers(witness).run_once() == 0
    witness.clock.at = DEADLINE
    assert await timers(witness).run_once() == 1
    (note,) = await notes(witness)
    record = note.record
    assert (record.thread, record.position, record.received_at) == (TALK.id, 2, DEADLINE)
    assert record.parties == (BUYER.address, SELLER.address)
    assert await timers(witness).run_once() == 0


class SharedStore(MemoryStore):
    """So many workers have seen what is due, and then what was said, before one goes on."""

    def __init__(self, workers: int) -> None:
        super().__init__()
        self.together = asyncio.Barrier(workers)

    async def due(self, now: int, limit: int) -> list[str]:
        found = await super().due(now, limit)
        await self.together.wait()
        return found

    async def append(self, record: Record) -> Entry:
        if record.kind == TIMEOUT:
            await self.together.wait()
        return await super().append(record)


async def test_several_workers_at_once_note_it_once():
    witness = await silent(SharedStore(5))
    witness.clock.at = DEADLINE + 5
    workers = [timers(witness) for _ in range(5)]
    async with asyncio.timeout(5):
        await asyncio.gather(*(worker.run_once() for worker in workers))
    assert [note.record.position for note in await notes(witness)] == [2]


async def test_workers_whose_clocks_differ_note_it_once():
    witness = await silent()
    for at in (DEADLINE + 3, DEADLINE + 1, DEADLINE + 9):
        witness.clock.at = at
        await timers(witness).run_once()
    assert [note.record.received_at for note in await notes(witness)] == [DEADLINE + 3]


async def test_note_is_in_the_sequence_is_replayed_and_passes_the_audit():
    witness = await silent()
    witness.clock.at = DEADLINE
    await timers(witness).run_once()
    state, at = await Witness(witness.store).services.negotiations.replay(TALK.id)
    assert (state.state, state.length, at) == (State.FAILED, 3, DEADLINE)
    # What stands can still be accepted while it can be opened, behind the note.
    entries, root = await witness.published()
    assert [entry.index for entry in entries] == [0, 1, 2, 3]
    assert audit(entries, root, [], Domains((DOMAIN,))).findings == []


async def test_worker_that_remembers_the_negotiation_goes_on_behind_another_s_note():
    witness = await silent()
    witness.clock.at = DEADLINE
    await timers(witness).run_once()
    with pytest.raises(ParleyError) as refused:
        await witness.take(offer(proposed(TALK), BUYER))
    assert refused.value.code == "DeadlinePassed"
    state, _ = await witness.services.negotiations.replay(TALK.id)
    assert state.length == 3


async def test_readers_of_both_parties_are_woken_and_no_other():
    witness, bus = await silent(), MemoryBus()
    witness.clock.at = DEADLINE
    signals = {who: bus.signal(who) for who in (BUYER.address, SELLER.address, "somebody", "")}
    await timers(witness, bus).run_once()
    woken = {who for who, signal in signals.items() if await signal.wait(0.01)}
    assert woken == {BUYER.address, SELLER.address, ""}


@pytest.mark.parametrize("last", [withdraw, accept])
async def test_negotiation_that_has_ended_is_not_timed_out(last):
    witness = await silent()
    await witness.take(last(proposed(TALK), BUYER))
    witness.clock.at = DEADLINE + 100
    # It is not even looked at, or ended talks would be looked at for ever.
    assert await witness.store.due(witness.clock.at, 9) == []
    assert await timers(witness).run_once() == 0
    assert await notes(witness) == []


@dataclass
class RacedStore(MemoryStore):
    """Another worker's record comes when something is asked, before or behind the answer."""

    moment: str
    rivals: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def _raced(self, moment: str) -> None:
        if self.moment == moment and self.rivals:
            await super().append(self.rivals.pop())

    async def due(self, now: int, limit: int) -> list[str]:
        found = await super().due(now, limit)
        await self._raced("behind what is due")
        return found

    async def thread(self, thread: str, start: int = 0) -> list[Entry]:
        found = await super().thread(thread, start)
        await self._raced("behind what was said")
        return found

    async def append(self, record: Record) -> Entry:
        if record.kind == TIMEOUT:
            await self._raced("before the note")
        return await super().append(record)


@pytest.mark.parametrize(
    "moment", ["behind what is due", "behind what was said", "before the note"]
)
async def test_last_word_that_comes_before_the_note_stands_instead_of_it(moment: str):
    elsewhere = await silent()
    (left,) = await elsewhere.take(withdraw(proposed(TALK), BUYER))
    store = RacedStore(moment)
    witness = await silent(store)
    # Another worker took the word in time; this one's clock is already past the deadline.
    known = left.record
    store.rivals = [
        Record(
            **{
                name: getattr(known, name)
                for name in (
                    "kind", "digest", "signer", "thread", "position", "parties", "leaf",
                    "leaf_hash", "body", "received_at",
                )
            },
            due_at=0,
        )
    ]  # fmt: skip
    witness.clock.at = DEADLINE
    assert await timers(witness).run_once() == 0
    assert await notes(witness) == []
    assert await timers(witness).run_once() == 0
    state, _ = await Witness(store).services.negotiations.replay(TALK.id)
    assert state.state is State.TERMINATED


async def test_thread_that_cannot_be_read_keeps_no_other_from_its_note():
    # The operator has ceased to take version 1: its negotiations are not replayed any more.
    store, clock = MemoryStore(), SetClock()
    both = Domains((DOMAIN, FIRST_DOMAIN))
    former = build_services(both, store, MemoryBus(), clock, Access(), LOG_KEY)
    old = listing(domain=FIRST_DOMAIN)
    for message in (old, invite(old, deadline=NOW + 60), LISTED, invite(LISTED)):
        await former.messages.submit(former.messages.prove(message.to_json()))
    witness = Witness(store, clock)
    clock.at = DEADLINE
    assert await timers(witness).run_once() == 1
    assert [note.record.thread for note in await notes(witness)] == [TALK.id]


async def test_more_than_fit_into_one_run_are_noted_by_the_next(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_AT_ONCE", 2)
    witness = Witness()
    buyers = [Party(f"buyer {n}") for n in range(3)]
    await witness.take(LISTED, *(invite(LISTED, buyer) for buyer in buyers))
    witness.clock.at = DEADLINE
    worker = timers(witness)
    assert [await worker.run_once() for _ in range(3)] == [2, 1, 0]


async def test_lost_store_is_told_to_whoever_runs_the_timers():
    class Lost(MemoryStore):
        async def append(self, record: Record) -> Entry:
            if record.kind == TIMEOUT:
                raise StoreUnavailable("memory", "lost")
            return await super().append(record)

    witness = await silent(Lost())
    witness.clock.at = DEADLINE
    with pytest.raises(StoreUnavailable):
        await timers(witness).run_once()
