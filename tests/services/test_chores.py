"""What is begun again while the store is away."""

import asyncio
import time

import pytest

from marketplace.core.errors import StoreNewer, StoreUnavailable
from marketplace.services import chores
from marketplace.services.chores import Chore, persist

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


def silent(_reason: str, _seconds: float) -> None: ...


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chores, "PAUSE_SECONDS", 0.01)


@pytest.mark.parametrize("times", [0, 1, 5])
async def test_store_that_is_away_for_a_moment_is_waited_for(times: int):
    away = Away(times)
    await asyncio.wait_for(persist(away.begin, 30, silent), 10)
    assert away.asked == times + 1


async def test_store_that_stays_away_is_a_refusal_once_patience_is_over():
    away, began = Away(10**9), time.monotonic()
    with pytest.raises(StoreUnavailable):
        await persist(away.begin, 0.1, silent)
    assert time.monotonic() - began >= 0.1
    assert away.asked > 1


async def test_without_patience_it_is_asked_once():
    away = Away(1)
    with pytest.raises(StoreUnavailable):
        await persist(away.begin, 0, silent)
    assert away.asked == 1


async def test_what_time_does_not_mend_is_not_waited_for():
    away = Away(1, StoreNewer(9, 2))
    with pytest.raises(StoreNewer):
        await persist(away.begin, 30, silent)
    assert away.asked == 1


async def test_whoever_waits_is_told_at_once_why_and_for_how_long_and_then_now_and_again(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(chores, "TELL_SECONDS", 0.05)
    away, told = Away(20), []
    await persist(away.begin, 30, lambda *word: told.append((*word, away.asked)))
    (reason, seconds, asked), *later = told
    assert (reason, asked) == ("starting up", 1)
    assert 29 < seconds <= 30
    # Not each of twenty attempts, 0.01 s apart.
    assert 1 <= len(later) <= 10
    assert [word[1] for word in told] == sorted((word[1] for word in told), reverse=True)


async def test_whoever_does_not_wait_is_told_nothing_but_the_refusal():
    told: list[object] = []
    with pytest.raises(StoreUnavailable):
        await persist(Away(1).begin, 0, lambda *word: told.append(word))
    assert told == []


async def test_chore_goes_on_whatever_it_failed_with(caplog: pytest.LogCaptureFixture):
    # A node that is busy may answer with a page: no library names that.
    failures: list[Exception] = [ValueError("<html>"), StoreUnavailable("sqlite", "full")]
    done = asyncio.Event()

    async def run() -> None:
        if failures:
            raise failures.pop(0)
        done.set()

    task = asyncio.create_task(Chore(run, 0.0).repeat())
    await asyncio.wait_for(done.wait(), 5)
    task.cancel()
    assert "<html>" in caplog.text
    assert "full" not in caplog.text


async def test_what_is_to_be_known_first_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(chores, "FIRST_SECONDS", 0.01)
    asked = []

    async def never() -> None:
        asked.append(True)
        await asyncio.sleep(60)

    async def fails() -> None:
        asked.append(True)
        raise StoreUnavailable("sqlite", "full")

    for first in (never, fails, None):
        await asyncio.wait_for(Chore(never, 0.0, first).begin(), 5)
    assert len(asked) == 2
