"""A registry that runs does what nobody asks it for: it is wired to, and goes on doing it."""

import asyncio
from pathlib import Path

import pytest
from market import DOMAIN
from stores import FailingStore

from marketplace import bootstrap
from marketplace.adapters.memory.bus import MemoryBus
from marketplace.bootstrap import build_registry
from marketplace.services import deliveries
from marketplace.settings import RegistrySettings

pytestmark = pytest.mark.anyio

# What a store is asked for by whoever notes deadlines, forgets old answers and calls webhooks.
CHORES = ("due", "sweep", "ready")
PATIENCE = 5.0


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FailingStore:
    monkeypatch.setattr(bootstrap, "TIMER_SECONDS", 0.01)
    monkeypatch.setattr(bootstrap, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(deliveries, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(deliveries, "PAUSE_SECONDS", 0.0)
    return FailingStore()


async def running(store: FailingStore, secret: Path, times: int) -> None:
    """Run a registry until each chore was begun so often."""
    settings = RegistrySettings(
        "",
        DOMAIN.chain_id,
        DOMAIN.verifying_contract,
        secret_file=secret,
        log_key_file=secret.with_name("logkey"),
    )
    app = build_registry(settings, store, MemoryBus())
    async with app.router.lifespan_context(app), asyncio.timeout(PATIENCE):
        while min(store.asked.get(chore, 0) for chore in CHORES) < times:  # noqa: ASYNC110 no event
            await asyncio.sleep(0.01)


async def test_a_registry_notes_deadlines_forgets_old_answers_and_calls_webhooks(
    store: FailingStore, tmp_path: Path
):
    await running(store, tmp_path / "secret", 3)


async def test_a_store_that_is_away_for_a_while_ends_none_of_it(
    store: FailingStore, tmp_path: Path
):
    store.failing = dict.fromkeys(CHORES, 3)
    await running(store, tmp_path / "secret", 6)
