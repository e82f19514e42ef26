"""The one way into the log: what is taken, what is refused, and that refusals store nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from coincurve import PrivateKey
from market import (
    BUYER,
    DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    accept,
    content,
    invite,
    listing,
    offer,
    proposed,
    reject,
    subject,
    talk,
    withdraw,
    word,
)
from witness import SetClock, Witness, agreed_words

from marketplace.adapters.memory.store import MemoryStore
from marketplace.core.errors import ParleyError, SequenceTaken
from marketplace.core.listing import Settlement
from marketplace.core.message import Message
from marketplace.core.negotiation import State, advance
from marketplace.core.outcome import Issue, OutcomeSpace
from marketplace.core.signature import ORDER
from marketplace.ports.store import Entry, Record
from marketplace.services import negotiations
from marketplace.services.messages import ATTEMPTS

pytestmark = pytest.mark.anyio

OLD = listing()
NEW = listing(what=content(title="A larger machine"), replaces=OLD.digest)


@pytest.fixture
def witness() -> Witness:
    return Witness()


async def refusal(witness: Witness, message: Message) -> ParleyError:
    """The refusal of a message, which must have stored nothing."""
    before = await witness.size()
    with pytest.raises(ParleyError) as refused:
        await witness.take(message)
    assert await witness.size() == before
    return refused.value


def signed_otherwise(message: Message, key: bytes) -> Message:
    """The same word under another signature of the same key, as a wallet may make it."""
    order, secret, nonce = ORDER, int.from_bytes(key, "big"), 7
    point = PrivateKey.from_int(nonce).public_key.point()
    r = point[0] % order
    s = pow(nonce, -1, order) * (int(message.digest, 16) + r * secret) % order
    odd = point[1] % 2
    low, v = (s, odd) if s <= order // 2 else (order - s, 1 - odd)
    return replace(message, signature=f"0x{r:064x}{low:064x}{27 + v:02x}")


async def test_word_that_two_workers_take_at_once_is_shown_by_both_as_the_log_has_it():
    store = MemoryStore()
    first, second = Witness(store), Witness(store)
    on = talk()
    await first.take(listing(), invite(listing()))
    # The other knows the talk, and has not heard of the offer when it takes it too.
    await second.services.negotiations.replay(on.id)
    said = offer(on, SELLER)
    again = signed_otherwise(said, SELLER.key)
    assert again.signature != said.signature
    (stored,) = await first.take(said)
    (found,) = await second.take(again)
    assert found == stored
    for worker in (first, second):
        view = worker.services.archive.view(found, readable=True)
        assert view.message is not None
        assert view.message["signature"] == said.signature
        assert worker.services.archive.message(found).signature == said.signature


async def test_what_is_large_is_taken_and_shown_and_remembered_by_nobody():
    witness = Witness()
    issues = {f"issue_{number}_{'x' * 20}": "y" * 200 for number in range(32)}
    large, small = listing(what=content(attributes=issues)), listing(STRANGER)
    entries = await witness.take(large, small)
    archive = witness.services.archive
    for entry, said in zip(entries, (large, small), strict=True):
        assert archive.message(entry) == said
        assert archive.view(entry, readable=True).message == said.to_json()
    for kept in (archive._known, archive._opened):
        assert set(kept) == {(1, True)}


# ------------------------------------------------------------------ a whole negotiation


async def test_agreement_is_reached_word_by_word(witness: Witness):
    words = agreed_words(OLD)
    await witness.take(OLD, *words)
    state, at = await witness.services.negotiations.replay(words[0].digest)
    assert (state.state, state.length, at) == (State.ACCEPTED, 4, NOW)
    assert state.agreement is not None
    state.agreement.check(DOMAIN)


async def test_every_word_again_gives_its_own_first_entry(witness: Witness):
    words = [OLD, *agreed_words(OLD)]
    first = await witness.take(*words)
    witness.clock.at += 100_000
    assert await witness.take(*words) == first
    assert await witness.size() == len(words)


async def test_forgotten_negotiation_is_replayed_to_the_same_state(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(negotiations, "MOST_REMEMBERED", 1)
    on = talk(OLD)
    other = talk(OLD, BUYER, buyer_nonce=2)
    await witness.take(OLD, invite(OLD), offer(on, SELLER))
    remembered, _ = await witness.services.negotiations.replay(on.id)
    await witness.take(invite(OLD, buyer_nonce=2), offer(other, SELLER))
    assert list(witness.services.negotiations._known) == [other.id]
    replayed, _ = await witness.services.negotiations.replay(on.id)
    assert replayed == remembered
    assert replayed is not remembered


async def test_registry_that_was_started_again_goes_on_where_it_was(witness: Witness):
    words = agreed_words(OLD)
    await witness.take(OLD, *words[:3])
    again = Witness(witness.store, SetClock(NOW + 1))
    (entry,) = await again.take(words[3])
    assert (entry.index, entry.record.position) == (4, 3)


async def test_clock_that_goes_back_does_not_turn_a_thread_s_time_back(witness: Witness):
    words = agreed_words(OLD)
    await witness.take(OLD, *words[:2])
    witness.clock.at = NOW - 50
    (entry,) = await witness.take(words[2])
    assert entry.record.received_at == NOW


async def test_each_word_is_refused_by_name_where_its_negotiation_is_not(witness: Witness):
    on = proposed(talk(OLD))
    for message in (offer(on, BUYER), accept(on, BUYER), reject(on, BUYER), withdraw(on, BUYER)):
        refused = await refusal(witness, message)
        assert refused.values == {"negotiation": on.id}
    assert (await refusal(witness, invite(OLD))).values == {"listing": OLD.digest}


async def test_acceptance_of_other_terms_than_the_standing_ones_is_refused(witness: Witness):
    await witness.take(OLD, invite(OLD), offer(talk(OLD), SELLER))
    on = proposed(talk(OLD))
    forged = replace(accept(on, BUYER), digest=word("own"), signature=BUYER.sign(word("own")))
    refused = await refusal(witness, forged)
    assert refused.values == {"previous": word("own"), "head": on.head}


async def test_offer_that_does_not_keep_the_listing_cannot_stand_to_be_accepted(witness: Witness):
    await witness.take(OLD, invite(OLD))
    cheap = offer(talk(OLD), SELLER, fee_bps=0)
    assert (await refusal(witness, cheap)).code == "TermsDisagree"
    dear = offer(talk(OLD), SELLER, subject(talk(OLD), unit_price=2000))
    assert (await refusal(witness, dear)).code == "OutcomeOutsideSpace"


# ------------------------------------------------------------------ listings


async def test_replaced_listing_is_refused_by_the_name_of_its_replacement(witness: Witness):
    await witness.take(OLD, NEW)
    refused = await refusal(witness, invite(OLD))
    assert refused.code == "ListingReplaced"
    assert refused.values == {"listing": OLD.digest, "replacement": NEW.digest}
    await witness.take(invite(NEW))


async def test_running_negotiation_keeps_its_listing_when_that_is_replaced(witness: Witness):
    invitation, first, counter, acceptance = agreed_words(OLD)
    await witness.take(OLD, invitation, first, NEW, counter, acceptance)
    state, _ = await Witness(witness.store).services.negotiations.replay(invitation.digest)
    assert state.state is State.ACCEPTED
    assert state.content == content()


async def test_listing_has_one_successor(witness: Witness):
    await witness.take(OLD, NEW)
    third = listing(what=content(title="Third"), replaces=OLD.digest)
    assert (await refusal(witness, third)).code == "ListingReplaced"
    fourth = listing(what=content(title="Fourth"), replaces=NEW.digest)
    (entry,) = await witness.take(fourth)
    assert (entry.record.thread, entry.record.position) == (OLD.digest, 2)


async def test_only_its_seller_publishes_and_replaces_a_listing(witness: Witness):
    stolen = listing(STRANGER, seller=SELLER.address)
    assert (await refusal(witness, stolen)).code == "NotAParty"
    await witness.take(OLD)
    hostile = listing(STRANGER, replaces=OLD.digest)
    assert (await refusal(witness, hostile)).values == {
        "signer": STRANGER.address,
        "parties": SELLER.address,
    }
    missing = listing(replaces=word("nothing"))
    assert (await refusal(witness, missing)).code == "ListingMissing"


async def test_expired_listing_is_not_published(witness: Witness):
    dead = listing(expires_at=NOW)
    assert (await refusal(witness, dead)).values == {"expires_at": NOW, "now": NOW}
    await witness.take(listing(expires_at=NOW + 1))


@pytest.mark.parametrize(
    ("shortest", "longest", "review", "field"),
    [
        (0, 7200, 600, "delivery_window"),
        (60, 365 * 86_400 + 60, 600, "delivery_window"),
        (60, 7200, 59, "review_window"),
        (60, 7200, 365 * 86_400 + 1, "review_window"),
    ],
)
async def test_listing_that_could_never_be_settled_is_not_published(
    witness: Witness, shortest: int, longest: int, review: int, field: str
):
    issues = (
        Issue("unit_price", 1, 9),
        Issue("quantity", 1, 9),
        Issue("delivery_window", shortest, longest, 60),
    )
    rules = Settlement(content().settlement.token, review_window=review)
    what = content(space=OutcomeSpace(issues), settlement=rules)
    refused = await refusal(witness, listing(what=what))
    assert (refused.code, refused.values["field"]) == ("ListingRefused", field)


# ------------------------------------------------------------------ races


@dataclass
class RacedStore(MemoryStore):
    """Before each append another writer takes the position, as often as it is told."""

    rivals: list[Record] = field(default_factory=list)
    attempts: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    async def append(self, record: Record) -> Entry:
        self.attempts += 1
        if self.rivals:
            await super().append(self.rivals.pop(0))
        return await super().append(record)


async def records(messages: Sequence[Message]) -> list[Record]:
    """These words as another process of the same registry would store them."""
    elsewhere = Witness()
    return [entry.record for entry in await elsewhere.take(*messages)]


async def test_word_that_lost_its_place_is_placed_again_where_it_still_fits():
    left = proposed(talk(OLD))
    words = [OLD, invite(OLD), offer(talk(OLD), SELLER)]
    *_, leaving = await records([*words, withdraw(left, SELLER)])
    store = RacedStore()
    witness = Witness(store)
    await witness.take(*words)
    store.rivals = [leaving]
    (entry,) = await witness.take(accept(left, BUYER))
    assert (entry.record.position, store.attempts) == (3, 5)


async def test_word_that_the_winner_made_impossible_is_refused_by_the_rule():
    on = talk(OLD)
    words = [OLD, invite(OLD)]
    *_, leaving = await records([*words, withdraw(on, BUYER)])
    store = RacedStore()
    witness = Witness(store)
    await witness.take(*words)
    store.rivals = [leaving]
    with pytest.raises(ParleyError) as refused:
        await witness.take(offer(on, SELLER))
    assert refused.value.values == {"kind": "offer", "state": "TERMINATED"}


async def test_what_a_worker_remembers_refuses_nothing_that_another_has_made_possible():
    store, on = MemoryStore(), talk(OLD)
    one, other = Witness(store), Witness(store)
    await one.take(OLD, invite(OLD))
    await other.take(offer(on, SELLER))
    (entry,) = await one.take(accept(proposed(on), BUYER))
    assert (entry.record.thread, entry.record.position) == (on.id, 2)


async def test_registry_gives_up_by_a_retryable_name_where_it_always_loses():
    class Losing(MemoryStore):
        attempts = 0

        async def append(self, record: Record) -> Entry:
            self.attempts += 1
            raise SequenceTaken(record.position, record.position + 1)

    store = Losing()
    with pytest.raises(SequenceTaken) as refused:
        await Witness(store).take(OLD)
    assert refused.value.retryable
    assert store.attempts == ATTEMPTS


async def test_of_two_conflicting_words_at_once_exactly_one_is_taken(witness: Witness):
    on = talk(OLD)
    await witness.take(OLD, invite(OLD))
    dear, cheap = (offer(on, SELLER, subject(on, unit_price=price)) for price in (200, 100))
    outcomes = await asyncio.gather(witness.take(dear), witness.take(cheap), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, ParleyError)]
    assert len(refused) == 1
    assert await witness.size() == 3
    state, _ = await witness.services.negotiations.replay(on.id)
    assert state.head in (dear.digest, cheap.digest)


async def test_both_parties_may_accept_only_what_the_other_offered(witness: Witness):
    on = proposed(talk(OLD))
    await witness.take(OLD, invite(OLD), offer(talk(OLD), SELLER))
    assert (await refusal(witness, accept(on, SELLER))).code == "WrongTurn"
    countered = advance(on, offer(on, BUYER, subject(on, unit_price=50)), NOW)
    await witness.take(offer(on, BUYER, subject(on, unit_price=50)))
    assert (await refusal(witness, accept(countered, BUYER))).code == "WrongTurn"
    await witness.take(accept(countered, SELLER))
