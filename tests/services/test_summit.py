"""The summit: the root over the log, however often and in whatever steps it is asked for."""

import asyncio

import pytest
from market import content, listing
from witness import Witness

from marketplace.core.merkle import root_hash
from marketplace.services import summit
from marketplace.services.summit import Summit

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("page", [1, 2, 100])
async def test_summit_of_a_growing_log_is_its_root_each_time(
    page: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(summit, "PAGE", page)
    witness = Witness()
    known = Summit(witness.store)
    assert await known.now() == (0, root_hash(()))
    for number in range(9):
        await witness.take(listing(what=content(title=f"Listing {number}")))
        if number % 4 != 1:
            assert await known.now() == (number + 1, root_hash(await witness.store.leaves()))


async def test_many_who_ask_at_once_are_told_the_same():
    witness = Witness()
    await witness.take(*(listing(what=content(title=f"Listing {n}")) for n in range(7)))
    known = Summit(witness.store)
    told = await asyncio.gather(*(known.now() for _ in range(9)))
    assert set(told) == {(7, root_hash(await witness.store.leaves()))}
