"""The log over HTTP: receipts that prove themselves, checkpoints, tiles."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from market import SELLER, content, invite, listing, offer, talk
from witness import LOG_KEY, Witness

from marketplace.api.large import MOST_AT_ONCE
from marketplace.core.checkpoint import Checkpoint
from marketplace.core.entry import read
from marketplace.core.errors import DigestMismatch, LogBehind
from marketplace.core.merkle import (
    Tree,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_hash,
    resolve,
)
from marketplace.core.message import Message
from marketplace.core.tiles import Tile, hashes_in, leaves_in, run_of, subtree, tile_of
from marketplace.core.values import canonical

pytestmark = pytest.mark.anyio

NAME = LOG_KEY.name


@asynccontextmanager
async def registry(witness: Witness | None = None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport((witness or Witness()).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        yield client


async def submit(client: httpx.AsyncClient, message: Message) -> dict[str, Any]:
    answer = await client.post("/v1/messages", json=message.to_json())
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def check(receipt: Mapping[str, Any], message: Message) -> Checkpoint:
    """As somebody would who has the receipt, the message, and the log's name."""
    log = receipt["log"]
    checkpoint = Checkpoint(log["origin"], log["size"], bytes.fromhex(log["root"][2:]))
    NAME.check(checkpoint, log["signature"])
    leaf = log["leaf"].encode()
    proof = tuple(bytes.fromhex(each[2:]) for each in log["proof"])
    check_inclusion(leaf_hash(leaf), receipt["index"], checkpoint.tree, proof)
    envelope = message.to_json()
    carried = {key: envelope[key] for key in ("message", "detail", "sealed") if key in envelope}
    body = canonical({**carried, "salt": log["salt"]}) if carried else b""
    assert read(leaf, body).envelope == envelope
    return checkpoint


def some(count: int) -> list[Message]:
    return [listing(what=content(title=f"Lot {number}")) for number in range(count)]


async def test_each_receipt_proves_its_entry_to_whoever_has_the_message():
    listed = listing()
    words = [listed, invite(listed), offer(talk(listed), SELLER), *some(9)]
    async with registry() as client:
        for index, message in enumerate(words):
            told = await submit(client, message)
            assert told["index"] == index
            assert check(told, message).size == index + 1


async def test_same_message_again_is_proven_under_the_log_as_it_is_by_then():
    words = some(7)
    async with registry() as client:
        first = await submit(client, words[2])
        for message in (*words[:2], *words[3:]):
            await submit(client, message)
        again = await submit(client, words[2])
    assert again["index"] == first["index"]
    assert again["log"]["leaf"] == first["log"]["leaf"]
    assert check(first, words[2]).size == 1
    assert check(again, words[2]).size == 7


async def test_receipts_of_two_messages_are_not_each_others():
    one, two = some(2)
    async with registry() as client:
        await submit(client, one)
        told = await submit(client, two)
    with pytest.raises(DigestMismatch):
        check(told, one)


async def test_store_that_came_back_with_another_history_of_the_same_size_is_signed_no_more():
    witness, other = Witness(), Witness()
    await witness.take(*some(3))
    signed = await witness.services.receipts.now()
    await other.take(*some(4)[1:])
    witness.services.receipts.store = other.store
    with pytest.raises(LogBehind):
        await witness.services.receipts.now()
    assert (await other.services.receipts.now()).checkpoint.root != signed.checkpoint.root


async def test_checkpoint_is_a_note_that_both_keys_signed():
    async with registry() as client:
        for size, message in enumerate(some(5), 1):
            await submit(client, message)
            answer = await client.get("/checkpoint")
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            # A cache that showed an old one would make an honest log look as if it had shrunk.
            assert answer.headers["cache-control"] == "no-cache"
            checkpoint, _ = NAME.open(answer.text)
            assert checkpoint.size == size
        info = (await client.get("/v1")).json()["log"]
    assert info == {
        "origin": NAME.origin,
        "key": NAME.key,
        "vkey": str(NAME.verifier),
        "domain": NAME.domain.to_json(),
    }


async def test_empty_log_has_a_checkpoint_and_no_tiles():
    async with registry() as client:
        checkpoint, _ = NAME.open((await client.get("/checkpoint")).text)
        assert checkpoint.tree == (0, Tree().root)
        answer = await client.get("/tile/0/000.p/1")
        assert (answer.status_code, answer.json()["code"]) == (404, "TileMissing")


async def test_log_of_several_tiles_is_rebuilt_from_what_is_served():
    words = some(260)
    witness = Witness()
    await witness.take(*words)
    async with registry(witness) as client:
        checkpoint, _ = NAME.open((await client.get("/checkpoint")).text)
        size = checkpoint.size
        full, part = Tile(None, 0), Tile(None, 1, size - 256)
        leaves: list[bytes] = []
        hashes: list[bytes] = []
        for bundle in (full, part):
            leaves += leaves_in((await client.get(f"/tile/{bundle.path}")).content)
            level = replace(bundle, level=0)
            hashes += hashes_in((await client.get(f"/tile/{level.path}")).content)
        assert [leaf_hash(leaf) for leaf in leaves] == hashes
        grown = Tree().grown(hashes)
        assert (grown.tree.size, grown.tree.root) == checkpoint.tree
        above = hashes_in((await client.get("/tile/1/000.p/1")).content)
        assert above == [grown.nodes[8, 0]]


@pytest.mark.parametrize("old", [1, 100, 256, 259])
async def test_proofs_follow_from_the_tiles_alone(old: int):
    witness = Witness()
    await witness.take(*some(260))
    every = await witness.store.entries(0, 1_000)
    before = Tree().grown([entry.record.leaf_hash for entry in every[:old]]).tree
    async with registry(witness) as client:
        checkpoint, _ = NAME.open((await client.get("/checkpoint")).text)
        size = checkpoint.size
        paths = consistency_path(old, size), inclusion_path(old, size)
        found = {}
        for node in {node for path in paths for row in path for node in row}:
            run = run_of(node)
            tile, offset = tile_of(run, size)
            held = hashes_in((await client.get(f"/tile/{tile.path}")).content)
            found[node] = subtree(held[offset : offset + run.count])
    grew, holds = (resolve(path, found.__getitem__) for path in paths)
    check_consistency((old, before.root), checkpoint.tree, grew)
    check_inclusion(every[old].record.leaf_hash, old, checkpoint.tree, holds)


async def test_full_tile_may_be_kept_for_ever_and_a_part_only_for_a_while():
    witness = Witness()
    await witness.take(*some(257))
    async with registry(witness) as client:
        full = await client.get("/tile/entries/000")
        part = await client.get("/tile/entries/001.p/1")
        assert full.headers["content-type"] == "application/octet-stream"
        assert "immutable" in full.headers["cache-control"]
        assert "immutable" not in part.headers["cache-control"]
        assert len(leaves_in(full.content)) == 256
        # A part of what is full by now is served as long as its readers may ask for it.
        earlier = await client.get("/tile/entries/000.p/7")
        assert leaves_in(earlier.content) == leaves_in(full.content)[:7]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("0/001.p/1", 404),
        ("0/000.p/4", 404),
        ("1/000.p/1", 404),
        ("entries/x999/x999/x999/x999/999", 404),
        ("0/1", 422),
        ("7/000", 422),
        ("0/000.p/256", 422),
        ("entries/..%2F000", 422),
        ("entries/", 422),
        ("0/" + "x111/" * 1_500 + "000", 422),
    ],
)
async def test_tile_that_is_not_there_or_no_tile_is_refused_by_name(path: str, status: int):
    witness = Witness()
    await witness.take(*some(3))
    async with registry(witness) as client:
        answer = await client.get(f"/tile/{path}")
    assert answer.status_code == status
    assert answer.json()["code"] in {"TileMissing", "ValueMalformed"}


async def test_an_address_has_few_tiles_under_way(monkeypatch: pytest.MonkeyPatch):
    witness, gate = Witness(), asyncio.Event()
    await witness.take(*some(3))
    leaves = witness.store.leaves

    async def slowly(start: int, count: int) -> list[bytes]:
        await gate.wait()
        return await leaves(start, count)

    monkeypatch.setattr(witness.store, "leaves", slowly)
    transport = httpx.ASGITransport(witness.app(most_streams=1))
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        asked = (client.get("/tile/entries/000.p/3") for _ in range(MOST_AT_ONCE + 1))
        held = [asyncio.create_task(each) for each in asked]
        (refused,), _ = await asyncio.wait(held, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert refused.result().status_code == 429
        gate.set()
        told = sorted(answer.status_code for answer in await asyncio.gather(*held))
        assert told == [200] * MOST_AT_ONCE + [429]
