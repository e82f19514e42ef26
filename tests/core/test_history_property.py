"""Whatever two parties, their delegates and strangers say, at whatever instants, in either
version: the log's entries alone give the very same state, to the last bit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from forger import Parts, judged, logged
from hypothesis import given
from hypothesis import strategies as st
from market import (
    BUYER,
    DOMAIN,
    FIRST_DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    Party,
    accept,
    card,
    closed,
    delegated,
    delegation,
    escalate,
    invite,
    listing,
    offer,
    quote,
    reject,
    request,
    revocation,
    subject,
    withdraw,
    word,
)

from marketplace.core.eip712 import Domain
from marketplace.core.entry import TIMEOUT, read, timeout_leaf
from marketplace.core.errors import ParleyError
from marketplace.core.message import Domains, Message, parse_message
from marketplace.core.negotiation import Negotiation, State, advance, begin, time_out
from marketplace.core.values import canonical, parse_json

DOMAINS = Domains((DOMAIN, FIRST_DOMAIN))
BUYERS = delegation(BUYER, expires_at=NOW + 300)
SELLERS = delegation(SELLER, expires_at=NOW + 300)


@dataclass(frozen=True)
class Step:
    """Who says what, when, and with which figures."""

    said: str
    who: str
    pause: int
    price: int
    open_for: int
    reason: int


Say = Callable[[Negotiation, Party, Step, int], Message]


def _offer(on: Negotiation, by: Party, step: Step, at: int) -> Message:
    return offer(on, by, subject(on, unit_price=step.price), open_by=at + step.open_for)


def _closed(on: Negotiation, by: Party, step: Step, at: int) -> Message:
    return closed(_offer(replace(on, domain=DOMAIN), by, step, at))


SAY: dict[str, Say] = {
    "offer": _offer,
    "closed offer": _closed,
    "stale offer": lambda on, by, step, _: offer(on, by, previous=word(str(step.price))),
    "dear offer": lambda on, by, step, _: offer(on, by, price=step.price),
    "accept": lambda on, by, *_: accept(on, by),
    "reject": lambda on, by, step, _: reject(on, by, step.reason),
    "withdraw": lambda on, by, step, _: withdraw(on, by, step.reason),
    "escalate": lambda on, by, _, at: escalate(on, by, at + 60),
    "invite": lambda on, by, step, _: invite(listing(domain=on.domain), by, buyer_nonce=step.price),
    "list": lambda on, by, *_: listing(by, domain=on.domain),
    "card": lambda _, by, *__: card(by),
    "request": lambda _, by, *__: request(by),
    "quote": lambda _, by, *__: quote(request(), listing(), by),
    "delegate": lambda _, by, *__: delegation(by),
    "revoke": lambda _, by, *__: revocation(delegation(by), by),
}
SAID = st.sampled_from(["offer"] * 14 + ["escalate"] * 3 + ["timeout"] + list(SAY))
WHO = st.sampled_from(["turn"] * 8 + ["other", "stranger", "delegate", "delegate of the other"])
STEPS = st.lists(
    st.builds(
        Step,
        SAID,
        WHO,
        pause=st.integers(0, 60),
        price=st.integers(5, 1005),
        open_for=st.integers(-1, 500),
        reason=st.integers(0, 255),
    ),
    min_size=1,
    max_size=25,
)
VERSIONS = st.sampled_from([DOMAIN, DOMAIN, FIRST_DOMAIN])
TURNS = {SELLER.address: SELLER, BUYER.address: BUYER}
GIVEN = {SELLER.address: SELLERS, BUYER.address: BUYERS}


def message_of(on: Negotiation, step: Step, at: int) -> Message:
    party = TURNS[on.turn if step.who in ("turn", "delegate") else on.other(on.turn)]
    speaker = STRANGER if step.who == "stranger" else party
    message = SAY[step.said](on, speaker, step, at)
    return delegated(message, GIVEN[party.address]) if "delegate" in step.who else message


def arrived(message: Message) -> Message:
    return parse_message(parse_json(canonical(message.to_json())), message.domain)


@dataclass
class Played:
    """A negotiation, and the entries that it left."""

    on: Negotiation
    parts: list[Parts]
    taken: list[str] = field(default_factory=list)


def play(domain: Domain, steps: Sequence[Step]) -> Played:
    """Say it all; what is refused is refused by name, changes nothing and is not logged."""
    listed = arrived(listing(domain=domain))
    invited = arrived(invite(listed, max_rounds=6, deadline=NOW + 600))
    at = NOW
    played = Played(
        begin(invited, listed, at), [logged(listed, at), logged(invited, at)], ["invitation"]
    )
    for step in steps:
        at += step.pause
        try:
            if step.said == TIMEOUT:
                played.on = time_out(played.on, at)
                leaf = timeout_leaf(played.on.id, played.on.invitation.deadline, at)
                played.parts.append((leaf, b""))
            else:
                message = message_of(played.on, step, at)
                # As it came in: whatever does not prove itself never reaches the machine.
                message = arrived(message)
                played.on = advance(played.on, message, at)
                played.parts.append(logged(message, at))
        except ParleyError:
            continue
        played.taken.append(step.said)
    return played


def replayed(parts: Sequence[Parts]) -> Negotiation:
    """The state from the bytes alone."""
    (listed, _), (invited, at), *rest = [_read(*part) for part in parts]
    assert listed is not None
    assert invited is not None
    on = begin(invited, listed, at)
    for message, when in rest:
        on = time_out(on, when) if message is None else advance(on, message, when)
    return on


def _read(leaf: bytes, body: bytes) -> tuple[Message | None, int]:
    found = read(leaf, body)
    if found.envelope is None:
        return None, found.at
    return parse_message(found.envelope, DOMAINS.of(found.envelope)), found.at


@given(VERSIONS, STEPS)
def test_replay_of_the_entries_gives_the_identical_state(domain: Domain, steps: list[Step]):
    played = play(domain, steps)
    again = replayed(played.parts)
    assert again == played.on
    # To the last bit: also what equality might not look at.
    assert repr(again) == repr(played.on)


@given(VERSIONS, STEPS)
def test_audit_finds_nothing_in_any_history_that_the_machine_took(
    domain: Domain, steps: list[Step]
):
    played = play(domain, steps)
    report = judged(DOMAINS, played.parts)
    assert report.findings == []
    agreed = played.on.state is State.ACCEPTED
    assert report.checked.get("agreements", 0) == agreed


@given(VERSIONS, STEPS, st.data())
def test_history_without_one_of_its_words_is_another_or_none(
    domain: Domain, steps: list[Step], data: st.DataObject
):
    played = play(domain, steps)
    if len(played.parts) < 3:
        return
    index = data.draw(st.integers(2, len(played.parts) - 1))
    try:
        shorter = replayed([*played.parts[:index], *played.parts[index + 1 :]])
    except ParleyError:
        return
    assert shorter != played.on
    assert shorter.length == played.on.length - 1


@given(VERSIONS, STEPS)
def test_length_counts_every_word_and_nobody_s_price_moves_the_wrong_way(
    domain: Domain, steps: list[Step]
):
    played = play(domain, steps)
    on = played.on
    assert on.length == len(played.taken) == len(played.parts) - 1
    assert on.rounds <= on.invitation.max_rounds
    assert not (on.offers and on.sealed)
    for party, sign in ((SELLER, -1), (BUYER, 1)):
        own = [o.subject.outcome["unit_price"] for o in on.offers if o.signer == party.address]
        assert all((b - a) * sign >= 5 for a, b in pairwise(own))


def step(said: str, who: str = "turn", price: int = 300, reason: int = 0, pause: int = 1) -> Step:
    return Step(said, who, pause, price, 400, reason)


def test_the_histories_above_do_come_to_everything_that_can_be_said():
    # A property over histories that never get anywhere would hold of itself.
    long = [step("offer"), step("escalate", "delegate"), step("offer", price=100)]
    told = play(DOMAIN, [*long, step("stale offer"), step("escalate"), step("accept")])
    assert told.taken == ["invitation", "offer", "escalate", "offer", "escalate", "accept"]
    assert told.on.state is State.ACCEPTED
    told = play(DOMAIN, [step("closed offer"), step("reject", "delegate", reason=7)])
    assert (told.on.state, told.on.reason, told.on.rounds) == (State.TERMINATED, 7, 1)
    told = play(FIRST_DOMAIN, [step("offer"), step("escalate"), step("timeout", pause=600)])
    assert told.taken == ["invitation", "offer", "timeout"]
    late = play(DOMAIN, [step("offer"), step("escalate", "delegate", pause=300)])
    assert late.taken == ["invitation", "offer"]
