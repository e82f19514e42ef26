"""What is begun again while the store is away."""

import asyncio
import time

import pytest

from marketplace.core.errors import StoreNewer, StoreUnavailable
from marketplace.services import chores
from marketplace.services.chores import persist

pytestmark = pytest.mark.anyio


class Away:
    """Refuses so many times before it begins."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.left, self.asked = times, 0
        self.error = error or StoreUnavailable("postgresql", "starting up")

    async def begin(self) -> None:
        self.asked += 1
        if self.asked <= self.left:
            raise self.error


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chores, "PAUSE_SECONDS", 0.01)


@pytest.mark.parametrize("times", [0, 1, 5])
async def test_store_that_is_away_for_a_moment_is_waited_for(times: int):
    away = Away(times)
    await asyncio.wait_for(persist(away.begin, 30), 10)
    assert away.asked == times + 1


async def test_store_that_stays_away_is_a_refusal_once_patience_is_over():
    away, began = Away(10**9), time.monotonic()
    with pytest.raises(StoreUnavailable):
        await persist(away.begin, 0.1)
    assert time.monotonic() - began >= 0.1
    assert away.asked > 1


async def test_without_patience_it_is_asked_once():
    away = Away(1)
    with pytest.raises(StoreUnavailable):
        await persist(away.begin, 0)
    assert away.asked == 1


async def test_what_time_does_not_mend_is_not_waited_for():
    away = Away(1, StoreNewer(9, 2))
    with pytest.raises(StoreNewer):
        await persist(away.begin, 30)
    assert away.asked == 1
