"""Whatever receivers answer and wherever workers die: nothing is skipped, and in order."""

import asyncio
from dataclasses import dataclass, field
from enum import Enum

import anyio
from hooks import stage
from hypothesis import given
from hypothesis import strategies as st
from receivers import OWNER

from marketplace.adapters.memory.webhooks import MemoryWebhooks
from marketplace.core.errors import ReceiverUnavailable, WebhookRefused
from marketplace.core.values import parse_json
from marketplace.ports.outbound import Reply
from marketplace.services.deliveries import LONGEST_WAIT, Deliveries


class Crash(BaseException):
    """The worker is no more."""


class Fate(Enum):
    TAKEN = "taken"
    FAILED = "failed"
    SILENT = "silent"
    REFUSED = "refused"
    TAKEN_UNHEARD = "taken, and the answer is lost"
    DIED_BEFORE = "the worker dies before it calls"
    DIED_AFTER = "the worker dies when the receiver has taken it"


OUTCOMES = {
    Fate.TAKEN: Reply(200),
    Fate.FAILED: Reply(500, 7),
    Fate.SILENT: ReceiverUnavailable("", "silent"),
    Fate.REFUSED: WebhookRefused("", "refused"),
    Fate.TAKEN_UNHEARD: ReceiverUnavailable("", "silent"),
    Fate.DIED_BEFORE: Crash(),
    Fate.DIED_AFTER: Crash(),
}
TOOK = Fate.TAKEN, Fate.TAKEN_UNHEARD, Fate.DIED_AFTER


@dataclass
class World:
    """The way out: each call meets the next fate, and all is well when there are none left."""

    fates: list[Fate]
    taken: list[int] = field(default_factory=list)
    ids: dict[int, set[str]] = field(default_factory=dict)

    async def post(self, _, headers, body):
        index = parse_json(body)["data"]["index"]
        self.ids.setdefault(index, set()).add(headers["webhook-id"])
        await asyncio.sleep(0)
        fate = self.fates.pop(0) if self.fates else Fate.TAKEN
        if fate in TOOK:
            self.taken.append(index)
        await asyncio.sleep(0)
        outcome = OUTCOMES[fate]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


class FrailStore(MemoryWebhooks):
    """The worker dies at one of its writes, before or after it has come about."""

    def __init__(self, deaths: dict[int, bool]) -> None:
        super().__init__()
        self._deaths, self._writes = deaths, 0

    async def moved(self, subscription, dead):
        self._writes += 1
        written = self._deaths.get(self._writes)
        if written is not False:
            await super().moved(subscription, dead)
        if written is not None:
            raise Crash


async def live(deliveries):
    try:
        await deliveries.run_once()
    except* Crash:
        pass


async def missed(at, world, webhook):
    """Entries behind the cursor that were neither taken nor given up."""
    (found,) = await at.webhooks.owned(OWNER)
    letters = await at.store.dead_letters(webhook, 1000)
    answered = {*world.taken, *(letter.index for letter in letters)}
    mine = [e.index for e in at.log.all if OWNER in e.record.parties]
    return [i for i in mine if i < found.following and i not in answered], found


FATES = st.lists(st.sampled_from(Fate), max_size=60)
# Runs of one fate are what brings about dead letters.
RUNS = st.lists(st.tuples(st.sampled_from(Fate), st.integers(1, 12)), max_size=8).map(
    lambda runs: [fate for fate, count in runs for _ in range(count)]
)
WAITS = st.lists(st.sampled_from([0, 5, 61, 330, 2 * LONGEST_WAIT]), min_size=1, max_size=40)
PARTIES = st.lists(st.booleans(), max_size=8)
DEATHS = st.dictionaries(st.integers(1, 40), st.booleans(), max_size=4)


@given(FATES | RUNS, WAITS, PARTIES, DEATHS, st.integers(1, 2))
def test_nothing_is_skipped_and_all_comes_in_order(fates, waits, parties, deaths, workers):
    async def lives():
        world = World(list(fates))
        store = FrailStore(deaths)
        at = stage(world, store)
        made = await at.webhooks.subscribe(OWNER, "http://agent.example/")
        for mine in parties:
            at.log.add(1, OWNER if mine else "0x" + "cc" * 20)
        cursor = 0
        # Each round from here on uses a fate or a death up, or delivers a page.
        healing = [2 * LONGEST_WAIT] * (len(fates) + len(deaths) + 2)
        for wait in [*waits, *healing]:
            courier = at.webhooks.courier
            crew = [
                Deliveries(at.log, store, courier, at.clock, lambda n: n - 1)
                for _ in range(workers)
            ]
            await asyncio.gather(*map(live, crew))
            at.clock.at += wait
            gaps, found = await missed(at, world, made.id)
            assert gaps == []
            assert workers > 1 or cursor <= found.following
            cursor = found.following
        first = list(dict.fromkeys(world.taken))
        assert first == sorted(first)
        if workers == 1:
            assert world.taken == sorted(world.taken)
        assert all(len(ids) == 1 for ids in world.ids.values())
        assert len(set.union(set(), *world.ids.values())) == len(world.ids)
        mine = [e.index for e in at.log.all if OWNER in e.record.parties]
        assert found.disabled or not mine or found.following == mine[-1] + 1

    anyio.run(lives)
