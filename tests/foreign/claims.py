"""What a proof is said to show, how it can be said falsely, and what our own code says of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from random import Random
from typing import TypeAlias

from judges import Case

from marketplace.core import merkle
from marketplace.core.checkpoint import Checkpoint, LogKey, log_domain
from marketplace.core.errors import NotConsistent, NotIncluded, ProofMalformed
from marketplace.core.merkle import Growth, Proof

KEY = LogKey("127.0.0.1:8000", log_domain(31337, "0x" + "5a" * 20), bytes(range(32)))
# Go counts in 63 bits, and searches for powers of two up to the next one.
LARGEST = 1 << 62
# Sizes with every shape near the edges of tiles, and small ones, where mistakes of one show.
EDGES = (*range(1, 20), 255, 256, 257, 511, 512, 513, 700)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A record stands at an index of the tree of a size and root."""

    record: bytes
    index: int
    size: int
    root: bytes
    proof: Proof

    def holds(self) -> bool:
        """Our own verdict."""
        leaf = merkle.leaf_hash(self.record)
        try:
            merkle.check_inclusion(leaf, self.index, (self.size, self.root), self.proof)
        except (NotIncluded, ProofMalformed):
            return False
        return True

    @property
    def case(self) -> Case:
        """As Go is asked."""
        return {
            "check": "inclusion",
            "record": self.record.hex(),
            "index": self.index,
            "size": self.size,
            "root": self.root.hex(),
            "proof": _hex(self.proof),
        }

    @property
    def signed(self) -> Case:
        """As Sigstore is asked, which takes size and root from a signed checkpoint alone."""
        return {
            "record": self.record.hex(),
            # Numbers in JavaScript end at 2^53.
            "index": str(self.index),
            "proof": _hex(self.proof),
            "note": noted(self.size, self.root),
            "vkey": str(KEY.name.verifier),
        }

    def shifted(self) -> Iterator[tuple[str, "Inclusion"]]:
        """The same proof of other numbers."""
        for index in {self.index - 1, self.index + 1, self.index ^ 2, self.size, -1}:
            yield "index", replace(self, index=index)
        for size in {self.size - 1, self.size + 1, self.size * 2, self.size // 2}:
            yield "size", replace(self, size=size)

    def altered(self, random: Random) -> Iterator[tuple[str, "Inclusion"]]:
        """The same proof of other bytes."""
        yield "record", replace(self, record=self.record + b"!")
        yield "root", replace(self, root=_flipped(self.root, random))


@dataclass(frozen=True, slots=True)
class Consistency:
    """The tree of a size and root begins with that of an older size and root."""

    old: int
    old_root: bytes
    size: int
    root: bytes
    proof: Proof

    def holds(self) -> bool:
        """Our own verdict."""
        old, new = (self.old, self.old_root), (self.size, self.root)
        try:
            merkle.check_consistency(old, new, self.proof)
        except (NotConsistent, ProofMalformed):
            return False
        return True

    @property
    def case(self) -> Case:
        """As Go is asked."""
        return {
            "check": "consistency",
            "old_size": self.old,
            "old_root": self.old_root.hex(),
            "size": self.size,
            "root": self.root.hex(),
            "proof": _hex(self.proof),
        }

    def shifted(self) -> Iterator[tuple[str, "Consistency"]]:
        """The same proof of other numbers."""
        for old in {self.old - 1, self.old + 1, self.old ^ 2, self.size + 1, -1}:
            yield "old", replace(self, old=old)
        for size in {self.size - 1, self.size + 1, self.size * 2, self.size // 2}:
            yield "size", replace(self, size=size)
        yield "sizes", replace(self, old=self.size, size=self.old)

    def altered(self, random: Random) -> Iterator[tuple[str, "Consistency"]]:
        """The same proof of other bytes."""
        yield "old root", replace(self, old_root=_flipped(self.old_root, random))
        yield "root", replace(self, root=_flipped(self.root, random))
        yield "roots", replace(self, old_root=self.root, root=self.old_root)


@lru_cache
def noted(size: int, root: bytes) -> str:
    """The checkpoint of a size and root, signed by our log."""
    checkpoint = Checkpoint(KEY.origin, size, root)
    return KEY.note(checkpoint, KEY.sign(checkpoint))


Claim: TypeAlias = Inclusion | Consistency


def grown(size: int) -> tuple[tuple[bytes, ...], Growth]:
    """Records that differ, and the tree that our code makes of them."""
    records = tuple(b"record %d" % n for n in range(size))
    return records, merkle.Tree().grown([merkle.leaf_hash(record) for record in records])


def included(index: int, records: tuple[bytes, ...], growth: Growth) -> Inclusion:
    """What our prover says of an index."""
    tree = growth.tree
    return Inclusion(records[index], index, tree.size, tree.root, growth.inclusion(index))


def extended(old: int, growth: Growth) -> Consistency:
    """What our prover says of an older size."""
    tree = growth.tree
    path = merkle.consistency_path(old, tree.size)
    proof = merkle.resolve(path, growth.nodes.__getitem__)
    _, before = grown(old)
    return Consistency(old, before.tree.root, tree.size, tree.root, proof)


def proved(random: Random) -> tuple[Claim, Claim]:
    """Two true claims of a tree that there is."""
    records, growth = grown(random.choice((*EDGES, random.randint(1, 1200))))
    size = len(records)
    index, old = (
        random.randrange(size),
        random.choice((random.randint(1, size), _round(size, random))),
    )
    return included(index, records, growth), extended(old, growth)


def imagined(random: Random) -> tuple[Claim, Claim]:
    """Two true claims of a tree that no machine could hold: its root follows from the proof."""
    size = random.randint(3, random.choice((1 << 20, 1 << 40, LARGEST // 2)))
    index = random.randrange(size)
    old = random.choice((random.randint(1, size - 1), _round(size - 1, random)))
    path = merkle.inclusion_path(index, size)
    proof = tuple(random.randbytes(32) for _ in path)
    record = random.randbytes(random.randint(0, 40))
    root = merkle.root_with(merkle.leaf_hash(record), index, size, proof)
    path = merkle.consistency_path(old, size)
    links = tuple(random.randbytes(32) for _ in path)
    before, after = merkle.roots_between(old, random.randbytes(32), size, links)
    return (
        Inclusion(record, index, size, root, proof),
        Consistency(old, before, size, after, links),
    )


def _round(most: int, random: Random) -> int:
    """A power of two: a whole old tree is proved in a way of its own."""
    return 1 << random.randrange(most.bit_length())


def changed(claim: Claim, random: Random) -> list[tuple[str, Claim]]:
    """Claims that differ from one in one respect each, which is named."""
    others: list[tuple[str, Claim]] = [*claim.shifted(), *claim.altered(random)]
    others += [("proof", replace(claim, proof=proof)) for proof in _proofs(claim, random)]
    return [(what, other) for what, other in others if other != claim]


def _proofs(claim: Claim, random: Random) -> Iterator[Proof]:
    proof = claim.proof
    one = random.randbytes(32)
    yield from ((one, *proof), (*proof, one), (*proof, claim.root), (claim.root, *proof))
    yield from (proof[1:], proof[:-1], proof[::-1], ())
    for at, element in enumerate(proof):
        yield (*proof[:at], _flipped(element, random), *proof[at + 1 :])
        yield (*proof[:at], *proof[at + 1 :])
        yield (*proof[:at], element, *proof[at:])
    for at, (left, right) in enumerate(pairwise(proof)):
        yield (*proof[:at], right, left, *proof[at + 2 :])


def _flipped(data: bytes, random: Random) -> bytes:
    bit = random.randrange(8 * len(data))
    return bytes(byte ^ (1 << bit % 8) * (at == bit // 8) for at, byte in enumerate(data))


def _hex(proof: Proof) -> list[str]:
    return [element.hex() for element in proof]
