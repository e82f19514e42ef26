"""A registry in the ring with its attacker: what it signed, what it serves, who has seen what.

``Registry`` signs whatever it is told to sign, with the log's own keys, and makes every hash
anew: no careless mistake gives it away. Against it stand those who could know better: the
anchor contract, a party with its receipts, an auditor who was there before, the chain.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import anyio
from forger import Parts, hashed, parts_of
from market import (
    BUYER,
    DOMAIN,
    SELLER,
    accept,
    content,
    invite,
    listing,
    offer,
    proposed,
    talk,
    word,
)
from story import Story
from tile_server import TileServer
from witness import LOG_KEY, Witness

from marketplace.core.audit import Auditor, ChainEvent, OnChain, Report
from marketplace.core.checkpoint import Checkpoint, LogKey
from marketplace.core.entry import salt_of
from marketplace.core.merkle import Tree, inclusion_path, leaf_hash, resolve
from marketplace.core.message import Domains, Message
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_DIGEST
from marketplace.ports.anchor import Anchored
from marketplace.sdk.receipts import Receipts, receipts_of
from marketplace.wire.views import LogNameView, ProvenView, Receipt

DOMAINS = Domains((DOMAIN,))
TOLD = LogNameView.from_core(LOG_KEY.name)

LISTED = listing()
TALK = talk(LISTED)
ON = proposed(TALK)
# A listing, a whole negotiation on it, and listings of no concern before and after.
WORDS: list[Message] = [
    listing(what=content(title="Something else")),
    LISTED,
    invite(LISTED),
    offer(TALK, SELLER),
    accept(ON, BUYER),
    listing(what=content(title="Something else again")),
    listing(what=content(title="And something more")),
]
OFFER, ACCEPTANCE, LAST = 3, 4, 6
BODY = WORDS[OFFER].body
assert isinstance(BODY, Terms)
TERMS: Terms = BODY


async def _parts(words: Iterable[Message]) -> list[Parts]:
    witness = Witness()
    await witness.take(*words)
    return parts_of((await witness.published())[0])


def honest(words: Iterable[Message] = tuple(WORDS)) -> list[Parts]:
    """The entries of an honest log of the words."""
    return anyio.run(_parts, words)


# Of one honest log: each log has salts of its own.
HONEST = honest()


@dataclass
class Registry:
    """Serves these entries, and signs what it serves."""

    parts: list[Parts] = field(default_factory=lambda: list(HONEST))
    key: LogKey = LOG_KEY

    @property
    def leaves(self) -> list[bytes]:
        """What the tiles have."""
        return [leaf for leaf, _ in self.parts]

    def tree(self, size: int | None = None) -> tuple[int, bytes]:
        """Size and root as it signs them."""
        grown = Tree().grown([leaf_hash(leaf) for leaf in self.leaves[:size]]).tree
        return grown.size, grown.root

    def signed(self, size: int | None = None) -> tuple[Checkpoint, str]:
        """A checkpoint and its EIP-712 signature."""
        checkpoint = Checkpoint(self.key.origin, *self.tree(size))
        return checkpoint, self.key.sign(checkpoint)

    def note(self) -> str:
        """The checkpoint as a note."""
        return self.key.note(*self.signed())

    def fetch(self, path: str) -> bytes:
        """Its tiles."""
        return TileServer(self.leaves).fetch(path)

    def receipt(self, index: int, size: int | None = None) -> Receipt:
        """Of an entry, under the log at a size."""
        checkpoint, signature = self.signed(size)
        grown = Tree().grown([leaf_hash(leaf) for leaf in self.leaves[: checkpoint.size]])
        proof = resolve(inclusion_path(index, checkpoint.size), grown.nodes.__getitem__)
        leaf, body = self.parts[index]
        log = ProvenView(
            leaf=leaf.decode(),
            salt=salt_of(body),
            proof=["0x" + each.hex() for each in proof],
            origin=checkpoint.origin,
            size=checkpoint.size,
            root="0x" + checkpoint.root.hex(),
            signature=signature,
        )
        hashed_leaf = "0x" + leaf_hash(leaf).hex()
        return Receipt(
            kind="listing",
            digest=ZERO_DIGEST,
            thread=ZERO_DIGEST,
            sequence=0,
            index=index,
            leaf_hash=hashed_leaf,
            received_at=0,
            log=log,
        )

    def anchored(self, *sizes: int) -> list[Anchored]:
        """What the contract took of it."""
        return [
            Anchored(*self.tree(size), 0, number, ZERO_DIGEST) for number, size in enumerate(sizes)
        ]


def party(registry: Registry) -> Receipts:
    """Somebody who has a receipt of the first word, and asks this registry from now on."""
    receipts = receipts_of("http://registry", TOLD, registry.fetch, None)
    receipts.keep(registry.receipt(0, 1), WORDS[0].to_json())
    return receipts


def audited(
    registry: Registry,
    anchors: Sequence[Anchored] = (),
    events: Sequence[ChainEvent] = (),
    earlier: tuple[int, bytes] | None = None,
) -> Report:
    """An audit of what is served, against a chain and against what the auditor saw before."""
    auditor = Auditor(DOMAINS, OnChain(events, anchors, None))
    if earlier is not None:
        auditor.remember(*earlier)
    entries, root = hashed(registry.parts)
    auditor.take(entries)
    return auditor.finish(root)


def opened() -> list[ChainEvent]:
    """The escrow's events of the agreed deal: it was opened."""
    return [replace(event, block=1, transaction=word("tx")) for event in Story(TERMS).events]


def kinds(report: Report) -> set[str]:
    """What kinds of findings there are."""
    return {finding.kind for finding in report.findings}
