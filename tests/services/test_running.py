"""A registry that runs does what nobody asks it for: it is wired to, and goes on doing it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
from market import DOMAIN, listing, word
from stores import FailingStore

from marketplace import bootstrap
from marketplace.adapters.evm import anchor, view
from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.memory.store import MemoryStore
from marketplace.adapters.system import read_secret
from marketplace.bootstrap import build_log_key, build_registry
from marketplace.core.checkpoint import log_domain
from marketplace.core.eip712 import Domain
from marketplace.ports.anchor import AnchorFacts
from marketplace.ports.chain import DealEvent
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


# ------------------------------------------------------------------ beside a chain


NOTHING = AnchorFacts(0, bytes(32), 0, 0, forked=False)


@dataclass
class Node:
    """What a chain's views answer here."""

    chain_id: int = DOMAIN.chain_id
    anchored: AnchorFacts = NOTHING
    seen: list[DealEvent] = field(default_factory=list)

    @property
    def domain(self) -> Domain:
        return replace(DOMAIN, chain_id=self.chain_id)

    def height(self) -> int:
        return 100

    def events(self, _first: int, _last: int) -> list[DealEvent]:
        return self.seen

    def facts(self) -> AnchorFacts:
        return self.anchored


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    found = Node(seen=[DealEvent("Paid", word("deal"), {}, 5, 7, word("transaction"), 0)])
    monkeypatch.setattr(view, "EvmView", lambda *_: found)
    monkeypatch.setattr(anchor, "EvmAnchorView", lambda *_: found)
    return found


@asynccontextmanager
async def beside(folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, MemoryStore]]:
    settings = RegistrySettings(
        "",
        DOMAIN.chain_id,
        DOMAIN.verifying_contract,
        secret_file=folder / "secret",
        log_key_file=folder / "logkey",
        rpc="http://node",
    )
    store = MemoryStore()
    app = build_registry(settings, store, MemoryBus())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://registry") as client,
    ):
        yield client, store


async def test_a_store_that_lost_anchored_entries_takes_no_word_from_the_first_on(
    node: Node, tmp_path: Path
):
    node.anchored = AnchorFacts(7, b"seven".rjust(32), 0, 0, forked=False)
    async with beside(tmp_path) as (client, store):
        answer = await client.post("/v1/messages", json=listing().to_json())
        assert (answer.status_code, answer.json()["code"]) == (503, "LogBehind")
        assert (await client.get("/checkpoint")).status_code == 503
        assert (await store.tree()).size == 0


async def test_events_of_the_chain_are_logged(node: Node, tmp_path: Path):
    async with beside(tmp_path) as (_, store), asyncio.timeout(PATIENCE):
        while (await store.tree()).size < len(node.seen):  # noqa: ASYNC110 no event
            await asyncio.sleep(0.01)
        assert [entry.record.kind for entry in await store.entries(0, 9)] == ["event"]


async def test_node_of_another_chain_says_nothing_here(node: Node, tmp_path: Path):
    # The contracts have the same addresses there.
    node.chain_id, node.anchored = 1, AnchorFacts(7, bytes(32), 0, 0, forked=False)
    async with beside(tmp_path) as (client, store):
        await asyncio.sleep(0.2)
        assert (await store.tree()).size == 0
        assert (await client.get("/checkpoint")).status_code == 200


async def test_log_has_the_name_and_the_key_that_the_operator_gave_it(tmp_path: Path):
    told = RegistrySettings(
        "",
        DOMAIN.chain_id,
        DOMAIN.verifying_contract,
        port=81,
        secret_file=tmp_path / "secret",
        log_key_file=tmp_path / "logkey",
        anchor="0x" + "a7" * 20,
    )
    key = build_log_key(told)
    assert key.origin == "127.0.0.1:81"
    assert key.domain == log_domain(DOMAIN.chain_id, told.anchor)
    assert key.secret == read_secret(told.log_key_file) != read_secret(told.secret_file)
    named = build_log_key(replace(told, log_origin="log.example"))
    assert (named.origin, named.secret) == ("log.example", key.secret)
