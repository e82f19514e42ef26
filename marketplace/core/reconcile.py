"""Reconciling: a log and an escrow's events, held against each other.

The events are known first, so that of all the negotiations of a log only the terms that
were opened need be kept: ``ends`` takes one that nothing follows any more, and what the
chain does not know of it is forgotten.

1. Each deal that the escrow opened is an offer of a negotiation, with the same parties,
   token, price, bond and nonces; its later events are ones that the deal machine takes.
2. No negotiation has two deals.
3. Each event that the log has is the chain's, in every value; what the chain has and the
   log has not is information.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Protocol

from marketplace.core.eip712 import Domain
from marketplace.core.errors import ParleyError
from marketplace.core.negotiation import Negotiation, Offer
from marketplace.core.replay import ChainEvent, Followed, follow
from marketplace.core.report import Report
from marketplace.core.sighting import Sighting
from marketplace.core.terms import Terms
from marketplace.core.values import Digest

OPENINGS = ("Opened", "Swapped")
Nonces = tuple[str, str, int]


class Anchored(Protocol):
    """A size and root that the anchor contract took."""

    @property
    def size(self) -> int:
        """How many entries."""
        ...

    @property
    def root(self) -> bytes:
        """Over just these, 32 bytes."""
        ...

    @property
    def block(self) -> int:
        """Where on the chain."""
        ...

    @property
    def transaction(self) -> Digest:
        """In which transaction."""
        ...


@dataclass(frozen=True, slots=True)
class OnChain:
    """What one node says that a chain has.

    Attributes:
        events: every event of the escrow about deals, in order.
        anchors: every checkpoint of the log that the anchor contract took, in order; None
            where nobody asked.
        height: the last block that was asked for; None: whatever the log names was asked for.
    """

    events: Sequence[ChainEvent] = ()
    anchors: Sequence[Anchored] | None = None
    height: int | None = None

    def differs(self, other: "OnChain") -> str | None:
        """Where another node first says otherwise, naming block, transaction and event."""
        for kind, mine, its in (
            ("event", [*map(_told, self.events)], [*map(_told, other.events)]),
            ("anchor", [*map(_anchor, self.anchors or ())], [*map(_anchor, other.anchors or ())]),
        ):
            for first, second in zip_longest(mine, its, fillvalue="nothing"):
                if first != second:
                    return f"{kind}: {first} at one, {second} at the other"
        return None


@dataclass(frozen=True, slots=True)
class Proposed:
    """An offer whose deal the chain knows.

    Attributes:
        talk: its negotiation.
        agreed: what was agreed there in the end.
        terms: the offer's.
    """

    talk: Digest
    agreed: Digest | None
    terms: Terms


@dataclass
class Deals:
    """The deals of one escrow.

    Args:
        chain: what the chain has.
        domain: the escrow's; no negotiation of another is held against it.
        report: where to say what is found.
    """

    chain: OnChain
    domain: Domain
    report: Report
    _known: AbstractSet[Digest] = field(init=False)
    _opened_by: AbstractSet[Nonces] = field(init=False)
    _offers: dict[Digest, Proposed] = field(init=False, default_factory=dict)
    _sealed: set[Digest] = field(init=False, default_factory=set)
    _nonces: dict[Nonces, dict[int | None, Digest]] = field(init=False, default_factory=dict)
    _agreed: list[Digest] = field(init=False, default_factory=list)
    _logged: dict[tuple[Digest, int], int] = field(init=False, default_factory=dict)
    _by_place: dict[tuple[Digest, int], ChainEvent] = field(init=False)

    def __post_init__(self) -> None:
        self._known = {event.deal for event in self.chain.events}
        self._opened_by = {_key(event) for event in self.chain.events if event.name in OPENINGS}
        self._by_place = {(each.transaction, each.log_index): each for each in self.chain.events}

    def ends(self, talk: Negotiation) -> None:
        """A negotiation that nothing follows any more, in the log that is audited."""
        if talk.domain != self.domain:
            return
        self._note_offers(talk)
        asked = talk.invitation
        key = asked.buyer, asked.seller, asked.buyer_nonce
        if key in self._opened_by:
            # The seller names its nonce with its first offer: without one it is None.
            named = talk.offers[0].terms.seller_nonce if talk.offers else None
            self._nonces.setdefault(key, {})[named] = talk.id
        if talk.agreed:
            self._agreed.append(talk.head)

    def logged(self, index: int, seen: Sighting) -> None:
        """An event that the log has."""
        self.report.count("logged events")
        place = seen.transaction, seen.log_index
        fault = self._fault(seen)
        if place in self._logged:
            fault = f"the same as entry {self._logged[place]}"
        self._logged.setdefault(place, index)
        if fault is not None:
            what = f"{seen.name} of {seen.deal} in {place[0]}, {place[1]}"
            self.report.found("event", f"entry {index}", f"{what}: {fault}")
        elif place not in self._by_place:
            self.report.ahead.append(index)

    def _fault(self, seen: Sighting) -> str | None:
        """What the chain says against an event of the log."""
        if (seen.chain_id, seen.escrow) != (self.domain.chain_id, self.domain.verifying_contract):
            return f"of {seen.escrow} on chain {seen.chain_id}"
        on_chain = self._by_place.get((seen.transaction, seen.log_index))
        if on_chain is not None:
            return _difference(seen, on_chain)
        if self.chain.height is not None and seen.block > self.chain.height:
            return None
        return "not on the chain"

    def reconcile(self, hidden: AbstractSet[Digest]) -> None:
        """Hold all events against all negotiations.

        Args:
            hidden: the digests of words that were not shown.
        """
        report, closed = self.report, hidden | self._sealed
        followed: dict[Digest, Followed] = {}
        for event in self.chain.events:
            report.count("events")
            if event.deal in self._offers:
                self._follow(followed, event)
            elif event.name in OPENINGS and event.deal in closed:
                report.confidential.append(event.deal)
            elif event.name in OPENINGS:
                self._tell_unlogged(event)
        report.count("deals", len(followed))
        self._check_one_deal(followed)
        self._check_ends(followed)
        if self._logged:
            report.count("unlogged events", len(self._by_place.keys() - self._logged.keys()))
        known = followed.keys() | {*report.confidential}
        report.unopened += [head for head in self._agreed if head not in known]

    def _note_offers(self, talk: Negotiation) -> None:
        agreed = talk.agreement.digest if talk.agreement else None
        offer: Offer
        for offer in talk.offers:
            if offer.digest in self._known:
                self._offers[offer.digest] = Proposed(talk.id, agreed, offer.terms)
        self._sealed.update(each.digest for each in talk.sealed if each.digest in self._known)

    def _follow(self, followed: dict[Digest, Followed], event: ChainEvent) -> None:
        try:
            held = followed.get(event.deal, Followed())
            followed[event.deal] = follow(held, self._offers[event.deal].terms, event)
        except ParleyError as error:
            self.report.found("deal", event.deal, f"{event.name}: {error}")

    def _tell_unlogged(self, event: ChainEvent) -> None:
        among = self._nonces.get(_key(event), {})
        of = among.get(event.number("sellerNonce"), among.get(None))
        if of is None:
            self.report.unlogged.append(event.deal)
        else:
            self.report.linked[event.deal] = of

    def _check_ends(self, followed: dict[Digest, Followed]) -> None:
        for deal, held in followed.items():
            if held.ruling is not None:
                self.report.found("deal", deal, "Ruled: no payment followed")
            if held.unproved:
                self.report.unproved.append(deal)

    def _check_one_deal(self, followed: dict[Digest, Followed]) -> None:
        opened_in: dict[Digest, Digest] = {}
        for deal in followed:
            of = self._offers[deal]
            if of.agreed is not None and of.agreed != deal:
                self.report.superseded.append(deal)
            if of.talk in opened_in:
                told = f"two deals: {opened_in[of.talk]} and {deal}"
                self.report.found("deal", of.talk, told)
            opened_in[of.talk] = deal


def _told(event: ChainEvent) -> str:
    said = ", ".join(f"{name}={value}" for name, value in sorted(event.values.items()))
    place = f"block {event.block}, transaction {event.transaction}, {event.log_index}"
    return f"{place}: {event.name} of {event.deal} at {event.at} ({said})"


def _anchor(anchor: Anchored) -> str:
    place = f"block {anchor.block}, transaction {anchor.transaction}"
    return f"{place}: Anchored size {anchor.size}, root 0x{anchor.root.hex()}"


def _difference(logged: Sighting, on_chain: ChainEvent) -> str | None:
    """The first value in which an event of the log differs from the chain's."""
    told = {**logged.values, **_fixed(logged)}
    true = {name: str(value) for name, value in on_chain.values.items()} | _fixed(on_chain)
    for name in sorted(told.keys() | true.keys()):
        if told.get(name) != true.get(name):
            return f"{name} is {told.get(name)} in the log and {true.get(name)} on the chain"
    return None


def _fixed(event: Sighting | ChainEvent) -> dict[str, str]:
    return {name: str(getattr(event, name)) for name in ("name", "deal", "at", "block")}


def _key(event: ChainEvent) -> Nonces:
    return str(event.values["buyer"]), str(event.values["seller"]), event.number("buyerNonce")
