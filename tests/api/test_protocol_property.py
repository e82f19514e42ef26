"""The protocol over HTTP under parties that say right and wrong words at random.

A model that knows the page's rules, and not the machine, says what must be taken. After
every step a worker that remembers nothing replays the log to the same state, and the
published log passes its audit.
"""

import asyncio
from dataclasses import dataclass, field

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from market import (
    BUYER,
    NOW,
    SELLER,
    STRANGER,
    Party,
    accept,
    escalate,
    invite,
    listing,
    offer,
    reject,
    subject,
    talk,
    withdraw,
)
from witness import DOMAINS, Witness

from marketplace.core.audit import audit
from marketplace.core.message import Message
from marketplace.core.negotiation import advance, as_of
from marketplace.services.timers import Timers

ROUNDS, DEADLINE, OPEN_FOR = 4, NOW + 3_000, 1_000
LISTED = listing()
RULES = {"max_rounds": ROUNDS, "deadline": DEADLINE}
PARTIES = st.sampled_from([BUYER, SELLER, BUYER, SELLER, STRANGER])
PRICES = st.sampled_from([100, 300, 500, 700, 900])
OPEN = {"INIT", "PROPOSED", "COUNTER"}
SAY = {"acceptance": accept, "rejection": reject, "withdrawal": withdraw, "escalation": escalate}


@dataclass
class Model:
    """What has become true by the words that were taken."""

    state: str = "INIT"
    turn: Party = SELLER
    length: int = 1
    rounds: int = 0
    open_by: int = 0
    escalated: bool = False
    prices: dict[Party, int] = field(default_factory=dict)

    def takes(self, kind: str, by: Party, now: int, price: int = 0) -> bool:
        """Whether a word that answers the head is taken."""
        if by is STRANGER or now >= DEADLINE or (kind != "withdrawal" and by is not self.turn):
            return False
        is_open, answers = self.state in OPEN, self.rounds > 0
        return {
            "withdrawal": is_open,
            "rejection": is_open,
            "escalation": is_open and answers and not self.escalated,
            "acceptance": answers
            and (is_open or self.state == "TERMINATED")
            and now < self.open_by,
            "offer": is_open and self.rounds < ROUNDS and self._improves(by, price),
        }[kind]

    def _improves(self, by: Party, price: int) -> bool:
        if by not in self.prices:
            return True
        return price < self.prices[by] if by is SELLER else price > self.prices[by]

    def took(self, kind: str, by: Party, now: int, price: int = 0) -> None:
        """A word was taken."""
        self.length += 1
        if kind == "offer":
            self.state = "COUNTER" if self.rounds else "PROPOSED"
            self.turn = BUYER if by is SELLER else SELLER
            self.rounds, self.open_by, self.escalated = self.rounds + 1, now + OPEN_FOR, False
            self.prices[by] = price
        elif kind == "escalation":
            self.escalated = True
        else:
            self.state = "ACCEPTED" if kind == "acceptance" else "TERMINATED"


class Conversation(RuleBasedStateMachine):
    """One negotiation over HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.witness, self.model = Witness(), Model()
        self.on = talk(LISTED, **RULES)
        self.past = [self.on]
        self.said: dict[str, Message] = {}
        transport = httpx.ASGITransport(self.witness.app(), raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://registry")
        self.loop.run(self.witness.take(LISTED, invite(LISTED, **RULES)))

    def teardown(self) -> None:
        self.loop.run(self.http.aclose())
        self.loop.close()

    @property
    def now(self) -> int:
        return self.witness.clock.at

    def post(self, message: Message) -> httpx.Response:
        return self.loop.run(self.http.post("/v1/messages", json=message.to_json()))

    def say(self, message: Message, kind: str, by: Party, price: int = 0) -> None:
        """Post it and hold the registry to the model."""
        again = message.key in self.said
        taken = self.model.takes(kind, by, self.now, price)
        answer = self.post(message)
        assert answer.status_code < 500, answer.text
        assert (answer.status_code == 201) == (again or taken), answer.text
        if taken and not again:
            assert answer.json()["sequence"] == self.model.length
            self.said[message.key] = message
            self.model.took(kind, by, self.now, price)
            self.on = advance(self.on, message, self.now)
            self.past.append(self.on)

    @rule(by=PARTIES, price=PRICES)
    def offers(self, by: Party, price: int) -> None:
        about = subject(self.on, unit_price=price)
        self.say(offer(self.on, by, about, open_by=self.now + OPEN_FOR), "offer", by, price)

    @rule()
    def offers_what_the_turn_allows(self) -> None:
        mine = self.model.prices.get(self.model.turn)
        step = -50 if self.model.turn is SELLER else 50
        price = 500 if mine is None else mine + step
        about = subject(self.on, unit_price=price)
        said = offer(self.on, self.model.turn, about, open_by=self.now + OPEN_FOR)
        self.say(said, "offer", self.model.turn, price)

    @rule(kind=st.sampled_from(sorted(SAY)), by=PARTIES)
    def answers(self, kind: str, by: Party) -> None:
        self.say(SAY[kind](self.on, by), kind, by)

    @rule()
    def accepts(self) -> None:
        self.say(accept(self.on, self.model.turn), "acceptance", self.model.turn)

    @rule(kind=st.sampled_from([*sorted(SAY), "offer"]), by=PARTIES, back=st.integers(1, 3))
    def answers_what_does_not_stand_any_more(self, kind: str, by: Party, back: int) -> None:
        stale = self.past[max(0, len(self.past) - 1 - back)]
        if stale.head == self.on.head:
            return
        said = offer(stale, by) if kind == "offer" else SAY[kind](stale, by)
        answer = self.post(said)
        assert (answer.status_code == 201) == (said.key in self.said), answer.text
        assert answer.status_code < 500

    @rule(pick=st.integers(0, 20))
    def repeats_itself(self, pick: int) -> None:
        if not self.said:
            return
        known = list(self.said.values())
        answer = self.post(known[pick % len(known)])
        assert answer.status_code == 201
        assert answer.json()["sequence"] == 1 + pick % len(known)

    @rule(seconds=st.sampled_from([1, 60, 700, 1_100]))
    def time_passes(self, seconds: int) -> None:
        self.witness.clock.at += seconds

    @rule()
    def deadlines_are_noted(self) -> None:
        fresh = Witness(self.witness.store, self.witness.clock).services
        log, negotiations = fresh.messages.log, fresh.negotiations
        timers = Timers(self.witness.store, log, self.witness.clock, negotiations)
        noted = self.loop.run(timers.run_once())
        due = self.model.state in OPEN and self.now >= DEADLINE
        assert noted == due
        if due:
            self.model.state = "FAILED"
            self.model.length += 1

    @invariant()
    def log_replays_to_the_same_state(self) -> None:
        over = self.model.state in OPEN and self.now >= DEADLINE
        fresh = Witness(self.witness.store).services.negotiations
        state, _ = self.loop.run(fresh.replay(self.on.id))
        assert as_of(state, self.now) == ("FAILED" if over else self.model.state)
        assert (state.length, state.rounds) == (self.model.length, self.model.rounds)
        shown = self.loop.run(self.http.get(f"/v1/negotiations/{self.on.id}")).json()
        assert (shown["state"], shown["turn"]) == (as_of(state, self.now), self.model.turn.address)
        assert shown["head"] == self.on.head

    @invariant()
    def published_log_passes_its_audit(self) -> None:
        entries, root = self.loop.run(self.witness.published())
        assert len(entries) == 1 + self.model.length
        assert audit(entries, root, [], DOMAINS).findings == []


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=max(10, settings().max_examples // 5), stateful_step_count=20
)


def test_model_is_held_to_histories_that_get_somewhere():
    conversation = Conversation()
    try:
        for _ in range(3):
            conversation.offers_what_the_turn_allows()
            conversation.log_replays_to_the_same_state()
        conversation.answers("withdrawal", BUYER)
        conversation.accepts()
        conversation.published_log_passes_its_audit()
        assert conversation.model.state == "ACCEPTED"
    finally:
        conversation.teardown()
