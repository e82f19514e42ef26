"""A listing is replaced between the check of an invitation and its place in the log."""

import pytest
from market import SELLER, content, invite, listing
from witness import Witness

from marketplace.adapters.memory.store import MemoryStore
from marketplace.core.errors import ListingReplaced
from marketplace.core.words import Kind
from marketplace.ports.store import Entry, Record

pytestmark = pytest.mark.anyio

FIRST = listing()
SECOND = listing(SELLER, content(title="Dearer now"), replaces=FIRST.digest)


class Interrupted(MemoryStore):
    """Something else is stored in the very moment before an invitation is."""

    def __init__(self) -> None:
        super().__init__()
        self.witness: Witness | None = None

    async def append(self, record: Record) -> Entry:
        witness, self.witness = self.witness, None
        if witness is not None and record.kind == Kind.INVITATION:
            await witness.take(SECOND)
        return await super().append(record)


async def test_an_invitation_that_a_replacement_overtakes_is_refused_and_not_logged():
    store = Interrupted()
    witness = Witness(store)
    await witness.take(FIRST)
    store.witness = witness
    with pytest.raises(ListingReplaced) as refused:
        await witness.take(invite(FIRST))
    assert refused.value.values == {"listing": FIRST.digest, "replacement": SECOND.digest}
    assert [entry.record.digest for entry in await store.entries(0, 9)] == [
        FIRST.digest,
        SECOND.digest,
    ]
