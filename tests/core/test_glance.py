"""A glance says what a close look says, or nothing."""

import forger
import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import (
    BUYER,
    DOMAIN,
    FIRST_DOMAIN,
    NOW,
    SELLER,
    accept,
    invite,
    listing,
    offer,
    proposed,
    reject,
    talk,
    withdraw,
)

from marketplace.core.entry import read
from marketplace.core.errors import ParleyError
from marketplace.core.glance import glance
from marketplace.core.message import Domains, parse_header, parse_message
from marketplace.core.signature import verify
from marketplace.core.values import canonical, parse_json

DOMAINS = Domains((DOMAIN, FIRST_DOMAIN))
ON = talk()
WORDS = [
    invite(listing()),
    offer(ON, SELLER),
    accept(proposed(ON), BUYER),
    reject(ON, SELLER),
    withdraw(ON, BUYER),
]
LEAVES = [forger.logged(word, NOW)[0] for word in WORDS]
MEMBERS = sorted(parse_json(LEAVES[1]))


def closely(leaf):
    """What the long way says: the message, or the name of what is wrong."""
    try:
        logged = read(leaf, b"")
        if logged.envelope is None:
            message = parse_header(logged.leaf, DOMAINS.of(logged.leaf))
        else:
            message = parse_message(logged.envelope, DOMAINS.of(logged.envelope))
    except ParleyError as error:
        return error.code
    return logged.kind, logged.at, logged.envelope is None, message


def at_a_glance(leaf):
    try:
        found = glance(leaf, DOMAINS, verify)
    except ParleyError as error:
        return error.code
    if found is None:
        return None
    logged, message = found
    return logged.kind, logged.at, logged.envelope is None, message


@pytest.mark.parametrize("leaf", LEAVES, ids=[word.kind.value for word in WORDS])
def test_an_honest_word_is_read_at_a_glance(leaf):
    seen = at_a_glance(leaf)
    assert seen is not None
    assert seen == closely(leaf)


@pytest.mark.parametrize("leaf", LEAVES, ids=[word.kind.value for word in WORDS])
def test_every_changed_byte_is_seen_as_on_a_close_look_or_not_at_all(leaf):
    for place in range(len(leaf)):
        for bits in (1, 0x20, 0x80):
            spoiled = leaf[:place] + bytes([leaf[place] ^ bits]) + leaf[place + 1 :]
            assert at_a_glance(spoiled) in (None, closely(spoiled)), place


VALUES = st.one_of(
    st.text(),
    st.integers(-1, 1 << 41),
    st.sampled_from(["2", "1", "0x" + "0a" * 32, "0x" + "0A" * 32, "0x" + "11" * 20, "offer"]),
    st.sampled_from([value for leaf in LEAVES for value in parse_json(leaf).values()]),
)


@given(st.sampled_from(LEAVES), st.dictionaries(st.sampled_from([*MEMBERS, "said_at"]), VALUES))
def test_whatever_a_member_says_a_glance_says_nothing_else_than_a_close_look(leaf, changes):
    spoiled = canonical({**parse_json(leaf), **changes})
    assert at_a_glance(spoiled) in (None, closely(spoiled))


@given(st.sampled_from(LEAVES), st.sets(st.sampled_from(MEMBERS), min_size=1, max_size=2))
def test_a_leaf_that_lacks_a_member_is_looked_at_closely(leaf, dropped):
    told = parse_json(leaf)
    rest = {name: value for name, value in told.items() if name not in dropped}
    assert at_a_glance(canonical(rest)) in (None, closely(canonical(rest)))


@pytest.mark.parametrize("spelled", [b" ", b"\n", b"{}"])
def test_what_stands_before_or_after_a_leaf_is_looked_at_closely(spelled):
    for leaf in LEAVES:
        assert at_a_glance(leaf + spelled) is None
        assert at_a_glance(spelled + leaf) is None


def test_a_word_of_another_domain_or_version_is_looked_at_closely():
    for leaf in LEAVES:
        assert glance(leaf, Domains((FIRST_DOMAIN,)), verify) is None
