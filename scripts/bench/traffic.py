"""A log of realistic traffic, laid out as a server of tiles has it.

A seller's listing is answered by ten buyers. Each negotiation has two to nine offers, seller
and buyer in turn; of ten, seven end in an agreement, two in a rejection and one in a
withdrawal. Bodies lie beside the tiles, a file for each bundle.
"""

import os
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bench.words import Hand, key_of

from marketplace.core.checkpoint import Checkpoint
from marketplace.core.eip712 import Domain
from marketplace.core.entry import split
from marketplace.core.merkle import leaf_hash, root_hash
from marketplace.core.message import Message
from marketplace.core.tiles import HEIGHT, WIDTH, Tile, bundled, width_of
from marketplace.core.values import keccak
from marketplace.core.words import Kind, Reason, Rejection, Withdrawal

NOW = 1_800_000_000
TALKS = 10
FEWEST, MOST = 2, 9
GROUP = 8
ORIGIN = "bench"

Parts = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Laid:
    """A log on disk: tiles below ``tile``, bodies below ``bodies``."""

    directory: Path
    checkpoint: Checkpoint

    def fetch(self, path: str) -> bytes:
        """A tile's bytes, by the path that it is served under."""
        return (self.directory / path).read_bytes()

    def bodies(self, bundle: int) -> list[bytes]:
        """The bodies of an entry bundle."""
        data = (self.directory / f"bodies/{bundle}").read_bytes()
        found, at = [], 0
        while at < len(data):
            begin = at + 4
            at = begin + int.from_bytes(data[at:begin], "big")
            found.append(data[begin:at])
        return found


def lay(domain: Domain, size: int, directory: Path) -> Laid:
    """Make a log of so many entries."""
    leaves: list[bytes] = []
    entries = _entries(domain, size)
    for bundle in range(-(-size // WIDTH)):
        parts = list(islice(entries, min(WIDTH, size - bundle * WIDTH)))
        tile = Tile(None, bundle, len(parts))
        _write(directory / f"tile/{tile.path}", bundled([leaf for leaf, _ in parts]))
        bodies = b"".join(len(body).to_bytes(4, "big") + body for _, body in parts)
        _write(directory / f"bodies/{bundle}", bodies)
        leaves += [leaf_hash(leaf) for leaf, _ in parts]
    root = root_hash(leaves)
    level, hashes = 0, leaves
    while hashes:
        for index in range(-(-len(hashes) // WIDTH)):
            tile = Tile(level, index, width_of(level, index, size))
            held = hashes[index * WIDTH :][: tile.width]
            _write(directory / f"tile/{tile.path}", b"".join(held))
        whole = len(hashes) >> HEIGHT
        hashes = [root_hash(hashes[at * WIDTH :][:WIDTH]) for at in range(whole)]
        level += 1
    return Laid(directory, Checkpoint(ORIGIN, size, root))


def _entries(domain: Domain, size: int) -> Iterator[Parts]:
    """So many entries; talks of a group interleave, as they do in a registry."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        groups = -(-size // (GROUP * FEWEST * TALKS))
        made = 0
        for group in pool.map(_group, [domain] * groups, range(groups), chunksize=1):
            yield from group
            made += len(group)
            if made >= size:
                pool.shutdown(cancel_futures=True)
                return


def _group(domain: Domain, number: int) -> list[Parts]:
    hand = Hand(domain, NOW)
    chance = random.Random(number)  # noqa: S311 the same log every time
    first = number * GROUP
    listed = [
        hand.listing(key_of(f"seller {n}"), f"Hours {n}") for n in range(first, first + GROUP)
    ]
    talks = [
        _talk(hand, listed[n // TALKS], (first * TALKS + n, n // TALKS + first), chance)
        for n in range(GROUP * TALKS)
    ]
    words = list(listed)
    for turn in range(max(map(len, talks))):
        words += [talk[turn] for talk in talks if turn < len(talk)]
    return [
        split(word.to_json(), NOW + 1, "0x" + keccak(word.signature.encode()).hex())
        for word in words
    ]


def _talk(
    hand: Hand, listed: Message, names: tuple[int, int], chance: random.Random
) -> list[Message]:
    number, of = names
    seller, buyer = key_of(f"seller {of}"), key_of(f"buyer {number}")
    words = hand.words(listed, (seller, buyer), number, chance.randint(FEWEST, MOST))
    head, last = words[0].digest, words[-1]
    # Whoever did not make the last offer has the turn.
    reader = buyer if len(words) % 2 == 0 else seller
    ending = chance.randrange(10)
    if ending < 7:  # noqa: PLR2004 seven of ten
        return [*words, hand.accept(last, reader)]
    if ending < 9:  # noqa: PLR2004 two of ten
        no = Rejection(head, last.digest, Reason.UNSPECIFIED)
        return [*words, hand.say(Kind.REJECTION, reader, no, head)]
    left = Withdrawal(head, last.digest, Reason.UNSPECIFIED)
    return [*words, hand.say(Kind.WITHDRAWAL, reader, left, head)]


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
