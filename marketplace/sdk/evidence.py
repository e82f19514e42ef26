"""Evidence: all that a third party needs to judge one deal, as JSON.

The file's members are in docs/evidence.md; ``core.evidence`` judges it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from marketplace.core.checkpoint import Checkpoint, LogName
from marketplace.core.eip712 import typed_data
from marketplace.core.entry import split
from marketplace.core.errors import Missing, RegistryRefused
from marketplace.core.exhibits import FORMAT, Anchor, Event
from marketplace.core.merkle import Proof
from marketplace.core.message import parse_message
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_DIGEST, Json
from marketplace.ports.channel import Heard
from marketplace.sdk.means import Means
from marketplace.sdk.receipts import name_of
from marketplace.sdk.registry import Registry
from marketplace.sdk.settlement import Settlement
from marketplace.sdk.tiles import TileReader

# The anchors that the chain has of a log, in order.
AnchorsOf = Callable[[LogName], Sequence[Anchor]]


def gather(means: Means, deal: Settlement, anchors_of: AnchorsOf) -> dict[str, Json]:
    """The deal's evidence.

    Args:
        means: of the party that may see the transcript, with its receipts.
        deal: which one.
        anchors_of: what the chain says; asked before the log, so that the log has them.
    """
    agreement, registry = deal.agreement, means.registry
    words = registry.messages(agreement.negotiation)
    listing = registry.listing(agreement.subject.listing)
    log = LogSeen.by(registry, anchors_of) if isinstance(registry, Registry) else None
    events = [
        Event(e.name, e.values, e.at, e.block, e.transaction, e.log_index) for e in deal.events()
    ]
    delivered = [event.values["deliverable"] for event in events if event.name == "Delivered"]
    return {
        "format": FORMAT,
        "deal": agreement.digest,
        "negotiation": agreement.negotiation,
        "typed_data": typed_data(agreement.terms, means.signer.domain),
        "subject": agreement.subject.to_json(),
        "buyer_signature": agreement.buyer_signature,
        "seller_signature": agreement.seller_signature,
        "log": log.named() if log else None,
        "checkpoint": log.note if log else None,
        "listing": _word(means, log, listing),
        "transcript": [_word(means, log, word) for word in words],
        "receipts": log.receipts({each.index for each in (listing, *words)}) if log else [],
        "anchors": log.anchored() if log else [],
        "events": [event.to_json() for event in events],
        "delivery": delivered[-1] if delivered else None,
        # Digests alone: what was decided, and by which limits, is the holder's to show.
        "decisions": [each.digest for each in means.signer.decisions_of(agreement.digest)],
    }


@dataclass(frozen=True)
class LogSeen:
    """A registry's log at one checkpoint, both of its signatures checked.

    Attributes:
        registry: where it is served.
        name: its origin and keys.
        anchors: what the chain has of it.
        note: the checkpoint as it came.
    """

    registry: Registry
    name: LogName
    anchors: Sequence[Anchor]
    note: str

    @classmethod
    def by(cls, registry: Registry, anchors_of: AnchorsOf) -> "LogSeen | None":
        """The log as it is now; None of a registry without one."""
        told = registry.info().log
        if told is None:
            return None
        # Who keeps receipts has learned the name once and holds the registry to it.
        name = registry.receipts.name if registry.receipts is not None else name_of(told)
        anchors = anchors_of(name)
        return cls(registry, name, anchors, registry.fetch("checkpoint").decode())

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """What the note says; raises LogRefused where it is not this log's."""
        return self.name.open(self.note)[0]

    @cached_property
    def tiles(self) -> TileReader:
        """Where proofs come from."""
        return TileReader(self.registry.fetch)

    def named(self) -> dict[str, Json]:
        """The log's name, as a verifier takes it."""
        name = self.name
        told: dict[str, Json] = {"origin": name.origin, "key": name.key, "vkey": str(name.verifier)}
        return {**told, "domain": name.domain.to_json()}

    def entry(self, index: int) -> dict[str, Json]:
        """An entry, and the proof that the checkpoint's tree has it."""
        page = self.registry.log(index, 1).entries
        if [each.index for each in page] != [index]:
            raise RegistryRefused(200, f"no entry {index} of the log")
        found = page[0]
        proof = self.tiles.inclusion(index, self.checkpoint.size)
        return {"leaf": found.data, "body": found.body, "index": index, "proof": _hex(proof)}

    def receipts(self, indexes: set[int]) -> list[Json]:
        """The holder's receipts of these entries, the refused ones too: they are evidence."""
        kept = self.registry.receipts
        mine = [] if kept is None else [*kept.kept(), *kept.refused()]
        return [
            {
                "index": each.index,
                **each.log.model_dump(mode="json"),
                "consistency": self._growth(each.log.size),
            }
            for each in mine
            if each.index in indexes and each.log is not None
        ]

    def anchored(self) -> list[Json]:
        """The last anchor within the checkpoint's tree, and the first beyond it."""
        size = self.checkpoint.size
        within = [anchor for anchor in self.anchors if anchor.size <= size][-1:]
        beyond = [anchor for anchor in self.anchors if anchor.size > size][:1]
        return [
            {
                "size": anchor.size,
                "root": "0x" + anchor.root.hex(),
                "at": anchor.at,
                "block": anchor.block,
                "transaction": anchor.transaction,
                "consistency": self._growth(anchor.size),
            }
            for anchor in (*within, *beyond)
        ]

    def _growth(self, size: int) -> list[Json]:
        old, new = sorted((size, self.checkpoint.size))
        try:
            return _hex(self.tiles.consistency(old, new))
        except Missing:
            return []  # the log has lost what it signed, which the verdict will say


def _word(means: Means, log: LogSeen | None, word: Heard) -> dict[str, Json]:
    message = word.message or {}
    if log is not None:
        told = log.entry(word.index)
    else:
        # Agents among themselves keep no log; the salt hides nothing from who has the file.
        leaf, body = split(message, word.received_at, ZERO_DIGEST, word.said_at)
        told = {"leaf": leaf.decode(), "body": body.decode()}
    if "sealed" not in message:
        return told
    inside = means.boxes.open(parse_message(message, means.signer.domain))
    if not isinstance(inside.body, Terms) or inside.detail is None:
        return told
    return {
        **told,
        "opened": {"message": inside.body.to_message(), "detail": inside.detail.to_json()},
    }


def _hex(proof: Proof) -> list[Json]:
    return ["0x" + each.hex() for each in proof]
