"""Agents: cards, delegations and their ends, and who is shown as speaking for whom."""

from dataclasses import replace

import pytest
from market import (
    BUYER,
    CLERK,
    NOW,
    SELLER,
    STRANGER,
    card,
    card_content,
    delegated,
    delegation,
    listing,
    revocation,
    word,
)
from witness import Witness

from marketplace.core.errors import ParleyError
from marketplace.core.identity import Revocation, Scope
from marketplace.core.message import Message
from marketplace.services import agents
from marketplace.services.agents import Standing

pytestmark = pytest.mark.anyio

FIRST = card()
SECOND = card(what=card_content(name="Hours & Sons"), replaces=FIRST.digest)


async def refusal(witness: Witness, message: Message) -> ParleyError:
    before = await witness.size()
    with pytest.raises(ParleyError) as refused:
        await witness.take(message)
    assert await witness.size() == before
    return refused.value


async def standing(witness: Witness, now: int = NOW) -> Standing:
    return await witness.services.agents.standing(SELLER.address, now)


# ------------------------------------------------------------------ cards


async def test_card_is_replaced_by_one_that_names_it_and_by_no_other():
    witness = Witness()
    assert (await refusal(witness, SECOND)).code == "CardReplaced"
    await witness.take(FIRST)
    again = card(what=card_content(name="Another first"))
    told = await refusal(witness, again)
    assert told.values["by"] == FIRST.digest
    await witness.take(SECOND)
    third = card(what=card_content(name="Third"), replaces=FIRST.digest)
    assert (await refusal(witness, third)).values["by"] == SECOND.digest
    current = (await standing(witness)).card
    assert current is not None
    assert current.record.digest == SECOND.digest


async def test_card_is_its_agent_s_own_and_in_the_future():
    witness = Witness()
    stolen = card(STRANGER, agent=SELLER.address)
    assert (await refusal(witness, stolen)).code == "NotAParty"
    assert (await refusal(witness, card(expires_at=NOW))).code == "CardRefused"
    await witness.take(card(expires_at=NOW + 1))


async def test_delegation_between_two_cards_does_not_hide_the_card():
    witness = Witness()
    await witness.take(FIRST, delegation(), SECOND)
    entry = (await standing(witness)).card
    assert entry is not None
    assert (entry.record.digest, entry.record.position) == (SECOND.digest, 2)


# ------------------------------------------------------------------ members


async def test_members_are_those_whose_delegation_holds_now():
    witness = Witness()
    short, long = delegation(expires_at=NOW + 10), delegation(to=BUYER)
    await witness.take(short, long)
    for now, holding in ((NOW, [short, long]), (NOW + 9, [short, long]), (NOW + 10, [long])):
        told = await standing(witness, now)
        assert [e.record.digest for e in told.delegations] == [m.digest for m in holding]
    await witness.take(revocation(long))
    assert (await standing(witness, NOW + 10)).delegations == ()


async def test_delegation_concerns_both_and_a_dead_one_is_not_taken():
    witness = Witness()
    assert (await refusal(witness, delegation(expires_at=NOW))).code == "MandateExpired"
    (entry,) = await witness.take(delegation())
    assert set(entry.record.parties) == {SELLER.address, CLERK.address}


async def test_agent_that_never_spoke_is_missing():
    with pytest.raises(ParleyError) as refused:
        await standing(Witness())
    assert refused.value.code == "AgentMissing"


# ------------------------------------------------------------------ words of delegates


async def test_revoked_delegate_says_nothing_more_and_what_it_said_stays():
    witness = Witness()
    given = delegation()
    said = delegated(listing(), given)
    await witness.take(said, revocation(given))
    more = delegated(listing(expires_at=NOW + 9_999), given)
    assert (await refusal(witness, more)).code == "MandateRevoked"
    # What was taken before has its answer, whoever asks again.
    (again,) = await witness.take(said)
    assert again.index == 0
    # A new delegation is another one.
    await witness.take(delegated(listing(expires_at=NOW + 9_999), delegation(salt=word("anew"))))


async def test_a_revocation_counts_where_it_was_logged_and_a_delegation_not_beyond_its_end():
    here, there = Witness(), Witness()
    given = delegation(expires_at=NOW + 10)
    await here.take(given, revocation(given))
    said = delegated(listing(), given)
    assert (await refusal(here, said)).code == "MandateRevoked"
    await there.take(said)
    there.clock.at = NOW + 10
    later = delegated(listing(expires_at=NOW + 9_999), given)
    assert (await refusal(there, later)).code == "MandateExpired"


async def test_delegate_ends_its_own_delegation_and_no_other():
    witness = Witness()
    given, other = delegation(), delegation(to=BUYER)
    ended = delegated(revocation(given), given)
    await witness.take(given, other, ended)
    assert [e.record.digest for e in (await standing(witness)).delegations] == [other.digest]
    hostile = replace(delegated(revocation(other), given))
    assert (await refusal(witness, hostile)).code == "DigestMismatch"


async def test_delegate_without_the_scope_or_after_the_end_is_refused():
    witness = Witness()
    reader = delegation(scope=int(Scope.READ))
    assert (await refusal(witness, delegated(listing(), reader))).code == "MandateRefused"
    short = delegation(expires_at=NOW + 10)
    witness.clock.at = NOW + 10
    assert (await refusal(witness, delegated(listing(), short))).code == "MandateExpired"


async def test_full_thread_still_takes_the_end_of_a_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(agents, "MOST_WORDS", 2)
    witness = Witness()
    given = delegation()
    # A leaked key writes its principal's thread full.
    await witness.take(delegated(FIRST, given), delegated(SECOND, given))
    third = card(what=card_content(name="Third"), replaces=SECOND.digest)
    assert (await refusal(witness, third)).values["field"] == "words"
    await witness.take(revocation(given))
    await witness.take(SELLER.say(Revocation(SELLER.address, word("another"))))
    last = SELLER.say(Revocation(SELLER.address, word("one more")))
    assert (await refusal(witness, last)).values["field"] == "words"


async def test_only_words_about_agents_have_a_place_there():
    with pytest.raises(TypeError):
        await Witness().services.agents.place(listing(), NOW)
