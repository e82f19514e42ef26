"""Erasure: bodies are gone from disk and memory, and the log is what it was."""

from dataclasses import replace

import httpx
import pytest
from market import DOMAIN, NOW, SELLER, invite, listing, offer, talk
from witness import Witness, agreed_words

from marketplace.bootstrap import build_chores
from marketplace.core.audit import audit
from marketplace.core.entry import read
from marketplace.core.errors import BodyErased
from marketplace.core.merkle import check_inclusion, leaf_hash
from marketplace.core.message import Domains
from marketplace.services.erasure import Erasure
from marketplace.settings import RegistrySettings

pytestmark = pytest.mark.anyio

LISTED = listing()
WORDS = agreed_words(LISTED)
DAY = 24 * 3600


def erasure(witness: Witness) -> Erasure:
    services = witness.services
    return Erasure(
        witness.store,
        services.archive,
        services.feed.recent,
        services.negotiations,
        witness.clock,
        DAY,
    )


async def erased(later: int = 2 * DAY) -> Witness:
    witness = Witness()
    await witness.take(LISTED, *WORDS)
    witness.clock.at += later
    await erasure(witness).run_once()
    return witness


async def test_nothing_is_erased_before_its_time():
    witness = await erased(DAY - 1)
    every = await witness.store.entries(0, 10)
    assert [bool(entry.record.body) for entry in every] == [True, True, True, True, False]


async def test_log_that_was_erased_audits_and_says_what_it_could_not_read():
    witness = Witness()
    await witness.take(LISTED, *WORDS)
    before, root = await witness.published()
    witness.clock.at += 2 * DAY
    await erasure(witness).run_once()
    after, same = await witness.published()
    assert same == root
    assert [entry.data for entry in after] == [entry.data for entry in before]
    whole, rest = (audit(each, root, [], Domains((DOMAIN,))) for each in (before, after))
    assert (whole.ok, whole.complete) == (True, True)
    assert (rest.ok, rest.complete) == (True, False)
    assert rest.unread == {WORDS[0].digest}


async def test_who_kept_a_body_still_proves_it_against_the_log():
    witness = Witness()
    entries = await witness.take(LISTED, *WORDS)
    receipts = [await witness.services.receipts.of(entry) for entry in entries]
    kept = [entry.record.body for entry in entries]
    witness.clock.at += 2 * DAY
    await erasure(witness).run_once()
    for entry, receipt, body in zip(entries, receipts, kept, strict=True):
        assert receipt.log is not None
        leaf = receipt.log.leaf.encode()
        assert read(leaf, body).envelope == read(entry.record.leaf, body).envelope
        now = await witness.services.receipts.of((await witness.store.entries(entry.index, 1))[0])
        assert now.log is not None
        proof = tuple(bytes.fromhex(each[2:]) for each in now.log.proof)
        tree = now.log.size, bytes.fromhex(now.log.root[2:])
        check_inclusion(leaf_hash(leaf), entry.index, tree, proof)


async def test_what_was_erased_is_shown_to_nobody_any_more():
    witness = Witness()
    secret = str(WORDS[1].to_json()["detail"]["salt"])
    await witness.take(LISTED, *WORDS)
    transport = httpx.ASGITransport(witness.app())
    talking = f"/v1/negotiations/{WORDS[0].digest}"
    paths = ("/v1/log", "/v1/events/poll", talking, f"{talking}/messages")
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        # Asked once before, so that everything that is remembered is.
        told = "".join([(await client.get(path)).text for path in paths])
        assert secret in told
        witness.clock.at += 2 * DAY
        await erasure(witness).run_once()
        for path in paths:
            assert secret not in (await client.get(path)).text, path
        refused = await client.get(talking)
        assert (refused.status_code, refused.json()["code"]) == (404, "BodyErased")


async def test_other_worker_forgets_too_what_the_first_has_erased():
    one = Witness()
    await one.take(LISTED, *WORDS)
    two = Witness(one.store, one.clock)
    await two.services.negotiations.replay(WORDS[0].digest)
    one.clock.at += 2 * DAY
    await erasure(one).run_once()
    await erasure(two).run_once()
    with pytest.raises(BodyErased):
        await two.services.negotiations.replay(WORDS[0].digest)


async def test_talk_that_goes_on_is_not_erased():
    witness = Witness()
    on = talk(LISTED, deadline=NOW + 9 * DAY)
    await witness.take(LISTED, invite(LISTED, deadline=NOW + 9 * DAY), offer(on, SELLER))
    witness.clock.at += 2 * DAY
    await erasure(witness).run_once()
    replayed, _ = await witness.services.negotiations.replay(on.id)
    assert replayed.length == 2


async def test_body_that_was_read_before_it_was_erased_is_shown_to_nobody_else():
    witness = Witness()
    await witness.take(LISTED, *WORDS)
    # A reader that takes its time has a page in hand.
    held = await witness.store.entries(0, 10)
    witness.clock.at += 2 * DAY
    await erasure(witness).run_once()
    archive = witness.services.archive
    secret = str(WORDS[1].to_json()["detail"]["salt"])
    assert secret in "".join(archive.shown(entry, readable=True) for entry in held)
    assert archive.message(held[2]) == WORDS[1]
    now = await witness.store.entries(0, 10)
    assert secret not in "".join(archive.shown(entry, readable=True) for entry in now)
    with pytest.raises(BodyErased):
        archive.message(now[2])


async def test_operators_rule_is_in_days_and_none_is_none():
    witness = Witness()
    told = RegistrySettings("", DOMAIN.chain_id, DOMAIN.verifying_contract)
    without = build_chores(told, witness.services, witness.store)
    chores = build_chores(replace(told, retain_days=3), witness.services, witness.store)
    assert len(chores) == len(without) + 1
    await witness.take(LISTED, *WORDS)
    for days, erased in ((2, False), (4, True)):
        witness.clock.at = NOW + days * DAY
        for chore in chores:
            await chore.run()
        bodies = [bool(entry.record.body) for entry in await witness.store.entries(1, 3)]
        assert bodies == [not erased] * 3
