"""Timers: note that a deadline has passed, for whoever listens.

The state needs no note: it follows from events and clock. The note is an entry of the
log like any word, so that it has its place in the sequence and is replayed with it.
"""

from dataclasses import dataclass

from marketplace.core.entry import TIMEOUT, timeout_leaf
from marketplace.core.errors import ParleyError, SequenceTaken, Unavailable
from marketplace.core.merkle import leaf_hash
from marketplace.core.negotiation import OPEN_STATES, time_out
from marketplace.core.values import Digest
from marketplace.ports.clock import Clock
from marketplace.ports.store import Record, Store
from marketplace.services.log import Log
from marketplace.services.negotiations import Negotiations

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Timers:
    """Any number of workers may run them: a note is unique."""

    store: Store
    log: Log
    clock: Clock
    negotiations: Negotiations

    async def run_once(self) -> int:
        """Note every deadline that has passed; returns how many were."""
        due = await self.store.due(self.clock.now(), MOST_AT_ONCE)
        return sum([await self._noted(thread) for thread in due])

    async def _noted(self, thread: Digest) -> bool:
        try:
            return await self._note(thread)
        except Unavailable:
            raise
        except ParleyError:
            # A thread that cannot be read here, as of a version that is no longer taken, must
            # not keep the others from their notes.
            return False

    async def _note(self, thread: Digest) -> bool:
        negotiation, last_at = await self.negotiations.replay(thread)
        at = max(self.clock.now(), last_at)
        if negotiation.state not in OPEN_STATES:
            return False
        time_out(negotiation, at)
        leaf = timeout_leaf(thread, negotiation.invitation.deadline, at)
        record = Record(
            kind=TIMEOUT,
            digest=thread,
            signer="",
            thread=thread,
            position=negotiation.length,
            parties=await self.negotiations.parties(thread),
            leaf=leaf,
            leaf_hash=leaf_hash(leaf),
            body=b"",
            received_at=at,
            due_at=0,
        )
        try:
            await self.log.append(record)
        except SequenceTaken:
            # A last word, or another worker's note, came first: look again next time.
            return False
        return True
