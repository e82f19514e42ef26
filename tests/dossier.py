"""An honest deal's evidence file, made without SDK, registry or chain.

The log has strangers' entries between the deal's; the checkpoint lies between two anchors;
the holder, who is the buyer, has kept two receipts and has decided twice. A test spoils one
thing. Only the core is used here, so that what the SDK gathers has a second hand to be
compared with.
"""

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from forger import Parts, logged
from market import (
    BUYER,
    DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    TOKEN,
    accept,
    escalate,
    invite,
    listing,
    offer,
    request,
    subject,
    word,
)
from story import DELIVERABLE, Story

from marketplace.core.checkpoint import Checkpoint, LogKey, log_domain
from marketplace.core.deal import Operation
from marketplace.core.decision import Decision, Question
from marketplace.core.eip712 import typed_data
from marketplace.core.entry import salt_of
from marketplace.core.exhibits import FORMAT, Anchor, Event
from marketplace.core.guardrails import Commitment, Exposure, Limits, Proposal
from marketplace.core.merkle import (
    Growth,
    Tree,
    consistency_path,
    inclusion_path,
    leaf_hash,
    resolve,
)
from marketplace.core.message import Message
from marketplace.core.negotiation import Negotiation, advance, begin
from marketplace.core.values import ZERO_DIGEST
from marketplace.core.verdict import Known, Told

ANCHOR = "0x" + "a7" * 20
KEY = LogKey("registry.example", log_domain(DOMAIN.chain_id, ANCHOR), b"s" * 32)
LIMITS = Limits(TOKEN, 1_000, highest_unit_price=100, most_quantity=10)
KNOWN = Known(DOMAIN.verifying_contract, ANCHOR, KEY.name.key)


@dataclass
class Log:
    """Entries, and what can be proved of them at any size."""

    entries: list[Parts] = field(default_factory=list)

    def add(self, parts: Parts) -> int:
        """One more entry; its index."""
        self.entries.append(parts)
        return len(self.entries) - 1

    @property
    def whole(self) -> Growth:
        """The tree over all of them."""
        return Tree().grown([leaf_hash(leaf) for leaf, _ in self.entries])

    def root(self, size: int) -> bytes:
        """Over the first ones."""
        return Tree().grown([leaf_hash(leaf) for leaf, _ in self.entries[:size]]).tree.root

    def checkpoint(self, size: int) -> Checkpoint:
        """At a size."""
        return Checkpoint(KEY.origin, size, self.root(size))

    def inclusion(self, index: int, size: int) -> list[str]:
        """As a file has it."""
        found = resolve(inclusion_path(index, size), self.whole.nodes.__getitem__)
        return ["0x" + each.hex() for each in found]

    def consistency(self, one: int, other: int) -> list[str]:
        """The same, in either direction."""
        old, size = sorted((one, other))
        found = resolve(consistency_path(old, size), self.whole.nodes.__getitem__)
        return ["0x" + each.hex() for each in found]


@dataclass
class Dossier:
    """A deal, its log and its life.

    Attributes:
        said: the listing, then the talk.
        at: when each was received.
        story: what the escrow tells.
        size: the checkpoint's.
    """

    said: list[Message]
    at: list[int]
    story: Story
    negotiation: Negotiation
    log: Log = field(default_factory=Log)
    indexes: list[int] = field(default_factory=list)
    size: int = 0

    def __post_init__(self) -> None:
        for number, (message, at) in enumerate(zip(self.said, self.at, strict=True)):
            self._noise(number)
            self.indexes.append(self.log.add(logged(message, at)))
        self._noise(90)
        self.size = len(self.log.entries)
        self._noise(91)

    def _noise(self, number: int) -> None:
        for each in range(3):
            said = request(STRANGER, salt=word(f"noise {number} {each}"))
            self.log.add(logged(said, NOW))

    @property
    def events(self) -> list[Event]:
        """What the chain has, a block each but for a ruling and its payment."""
        return [
            Event(e.name, e.values, e.at, 100 + number, word(f"transaction {number}"), number % 2)
            for number, e in enumerate(self.story.events)
        ]

    @property
    def anchors(self) -> list[Anchor]:
        """What the chain has of the log: three sizes, one beyond the checkpoint's."""
        sizes = 2, self.size - 1, self.size + 2
        return [
            Anchor(size, self.log.root(size), NOW + size, size, word(f"anchor {size}"))
            for size in sizes
        ]

    @property
    def told(self) -> Told:
        """What an honest node says."""
        return Told(DOMAIN.chain_id, True, self.events, self.anchors)  # noqa: FBT003 it is there

    def word(self, number: int) -> dict[str, Any]:
        """One entry of the file."""
        index = self.indexes[number]
        leaf, body = self.log.entries[index]
        proof = self.log.inclusion(index, self.size)
        return {"leaf": leaf.decode(), "body": body.decode(), "index": index, "proof": proof}

    def receipt(self, number: int, size: int) -> dict[str, Any]:
        """What the log answered when it had grown to a size."""
        index = self.indexes[number]
        leaf, body = self.log.entries[index]
        checkpoint = self.log.checkpoint(size)
        return {
            "index": index,
            "leaf": leaf.decode(),
            "salt": salt_of(body),
            "proof": self.log.inclusion(index, size),
            "origin": KEY.origin,
            "size": size,
            "root": "0x" + checkpoint.root.hex(),
            "signature": KEY.sign(checkpoint),
            "consistency": self.log.consistency(size, self.size),
        }

    def anchored(self, anchor: Anchor) -> dict[str, Any]:
        """An anchor of the file."""
        return {
            "size": anchor.size,
            "root": "0x" + anchor.root.hex(),
            "at": anchor.at,
            "block": anchor.block,
            "transaction": anchor.transaction,
            "consistency": self.log.consistency(anchor.size, self.size),
        }

    @property
    def decisions(self) -> list[Decision]:
        """What the buyer decided: of another deal; of this one no, and, once that was over, yes."""
        agreement = self.negotiation.agreement
        assert agreement is not None
        terms, about = agreement.terms, agreement.subject
        other = replace(terms, buyer_nonce=terms.buyer_nonce + 1)
        before = Exposure({other.buyer_nonce: Commitment(other.price, NOW, 0, ())})
        made: list[Decision] = []
        for asked, exposure in ((other, Exposure()), (terms, before), (terms, Exposure())):
            proposal = Proposal(asked.digest(DOMAIN), asked, about)
            question = Question(
                LIMITS, exposure, BUYER.address, agreement.negotiation, DOMAIN, proposal, NOW
            )
            previous = made[-1].digest if made else ZERO_DIGEST
            made.append(Decision(question, question.answer(), previous, word(f"{len(made)}")))
        return made

    def file(self) -> dict[str, Any]:
        """The whole, as it comes out of JSON."""
        agreement = self.negotiation.agreement
        assert agreement is not None
        checkpoint, name = self.log.checkpoint(self.size), KEY.name
        made = {
            "format": FORMAT,
            "deal": agreement.digest,
            "negotiation": agreement.negotiation,
            "typed_data": typed_data(agreement.terms, DOMAIN),
            "subject": agreement.subject.to_json(),
            "buyer_signature": agreement.buyer_signature,
            "seller_signature": agreement.seller_signature,
            "log": {
                "origin": name.origin,
                "key": name.key,
                "vkey": str(name.verifier),
                "domain": name.domain.to_json(),
            },
            "checkpoint": KEY.note(checkpoint, KEY.sign(checkpoint)),
            "listing": self.word(0),
            "transcript": [self.word(number) for number in range(1, len(self.said))],
            "receipts": [
                self.receipt(2, self.indexes[2] + 1),
                self.receipt(len(self.said) - 1, self.size),
            ],
            "anchors": [self.anchored(anchor) for anchor in self.anchors[1:]],
            "events": [event.to_json() for event in self.events],
            "delivery": DELIVERABLE if len(self.story.events) > 1 else None,
            "decisions": [each.digest for each in self.decisions if each.deal == agreement.digest],
        }
        return json.loads(json.dumps(made))


def talked(*, on: Message | None = None, after: int = 0) -> tuple[list[Message], Negotiation]:
    """A listing, and a talk of two offers, an escalation and the buyer's acceptance."""
    listed = on or listing()
    said = [listed, invite(listed)]
    talk = begin(said[1], listed, NOW + after)
    for make in (
        lambda talk: offer(talk, SELLER),
        lambda talk: offer(talk, BUYER, subject(talk, unit_price=80)),
        lambda talk: escalate(talk, SELLER),
        lambda talk: offer(talk, SELLER, subject(talk, unit_price=90)),
        lambda talk: accept(talk, BUYER),
    ):
        said.append(make(talk))
        talk = advance(talk, said[-1], NOW + after)
    return said, talk


def dossier(events: int = 3, at: Sequence[int] | None = None) -> Dossier:
    """An honest deal, as far as its first events go: opened, delivered, released."""
    said, talk = talked()
    assert talk.agreement is not None
    terms = talk.agreement.terms
    story = Story(terms).deliver(terms.price - 7)
    story.then(Operation.RELEASE, BUYER.address, amount=terms.price - 7)
    story.events = story.events[:events]
    times = at or [NOW + number for number in range(len(said))]
    return Dossier(said, list(times), story, talk)


def changed(given: dict[str, Any], path: Sequence[str | int], value) -> dict[str, Any]:
    """A copy of a file with another value at a path."""
    copy = deepcopy(given)
    inner: Any = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return copy
