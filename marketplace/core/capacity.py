"""Capacity: a seller's units, held by offers, committed by funded deals.

What an offer promises is held until it cannot open any more; what a funded deal takes is
committed until the deal gives it back. Holding costs a buyer nothing, so a hold must deny
nothing to another: offers of several talks may carry one nonce of the seller, which the
escrow spends once. Such a ``Lot`` is sold to whoever funds first.

Two rules follow. All lots and all that is committed are never more than the total, so that
whatever opens can be served. And a lot that is no talk's alone stays large: a talk has what
it asks for to itself only while half of what is unsold remains in one piece; after that it
shares one, and no crowd of talks keeps the half of it from a buyer that pays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from marketplace.core.errors import Unservable
from marketplace.core.listing import UNCOUNTED
from marketplace.core.position import OPEN_STATES, DealState
from marketplace.core.values import Digest


@dataclass(frozen=True, slots=True)
class Servable:
    """These units can be sold now; the answer holds nothing.

    Attributes:
        units: as asked.
        alone: whether a new talk would have them to itself, as nobody shares its lot yet.
    """

    units: int
    alone: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What one signed offer promises: in which talk, how many units."""

    talk: Digest
    units: int


@dataclass(frozen=True, slots=True)
class Lot:
    """What one nonce of the seller can sell: at most one of its offers opens.

    Attributes:
        units: held: no offer under the nonce asks more.
        talks: the negotiations that share it.
        offers: what was signed under it, by its digest.
    """

    units: int = 0
    talks: tuple[Digest, ...] = ()
    offers: Mapping[Digest, Asked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capacity:
    """A seller's units: what a human wrote, and what talks and deals have made of it.

    Attributes:
        total: units ever put on sale, so that selling does not lower it and restocking adds to it.
        renews: whether a deal gives its units back when it ends (hours of a machine do, goods
            do not); a refund gives them back in any case.
        lots: what outstanding offers hold, by the seller's nonce.
        deals: units of each funded deal that has not ended.
        consumed: units of ended deals that do not come back.
    """

    total: int = UNCOUNTED
    renews: bool = False
    lots: Mapping[int, Lot] = field(default_factory=dict)
    deals: Mapping[Digest, int] = field(default_factory=dict)
    consumed: int = 0

    @property
    def counted(self) -> bool:
        """Whether the seller counts its units at all."""
        return self.total < UNCOUNTED

    @property
    def committed(self) -> int:
        """Units that funded deals have taken."""
        return self.consumed + sum(self.deals.values())

    @property
    def held(self) -> int:
        """Units that outstanding offers could still take."""
        return sum(lot.units for lot in self.lots.values())

    @property
    def unsold(self) -> int:
        """Units that no deal has taken, held or not: what a listing says is on sale."""
        return max(0, self.total - self.committed)

    @property
    def free(self) -> int:
        """Units that nothing holds; none, where a human has lowered the total below the rest."""
        return max(0, self.unsold - self.held)

    def room(self, talk: Digest | None = None) -> int:
        """The most units that an offer could ask now, in a talk or in a new one."""
        nonce = self.nonce_of(talk)
        lots = self.lots.values() if nonce is None else (self.lots[nonce],)
        return self.free + max((lot.units for lot in lots), default=0)

    def probe(self, units: int) -> Servable | Unservable:
        """Whether a new talk could be offered these units now; consumes nothing."""
        most = self.room()
        return Servable(units, units <= self.free) if units <= most else Unservable(units, most)

    def nonce_of(self, talk: Digest | None) -> int | None:
        """The nonce whose lot the talk has a share in."""
        if talk is None:
            return None
        return next((nonce for nonce, lot in self.lots.items() if talk in lot.talks), None)

    def assign(self, talk: Digest, units: int, fresh: int) -> tuple[int, int]:
        """The nonce for a talk's offer, and how many units its lot has to hold.

        Args:
            talk: the negotiation; one that has a lot keeps its nonce.
            units: of the offer.
            fresh: a nonce of no lot, which a new one would get.

        Raises:
            Unservable: no lot has so many units, together with what is free.
        """
        nonce = self.nonce_of(talk)
        if nonce is None:
            nonce = fresh if units <= self.free else self._crowd(units)
        return nonce, self.holding(nonce, units)

    def holding(self, nonce: int, units: int) -> int:
        """What the nonce's lot has to hold before an offer of so many units is signed under it.

        That is the units themselves, or all that is free besides, where the half of what is
        unsold would otherwise be nowhere in one piece. Raises Unservable.
        """
        lot = self.lots.get(nonce, Lot())
        more = units - lot.units
        if more <= 0:
            return lot.units
        if more > self.free:
            raise Unservable(units, lot.units + self.free)
        pieces = self.free - more, units, *(other.units for other in self.lots.values())
        return units if 2 * max(pieces) >= self.unsold else lot.units + self.free

    def held_for(self, nonce: int, talk: Digest, units: int) -> "Capacity":
        """A talk has a share in the nonce's lot, which holds at least these units."""
        return self._with(nonce, self._shared(nonce, talk, units))

    def offered(self, nonce: int, deal: Digest, asked: Asked, held: int) -> "Capacity":
        """An offer was signed under the nonce, whose lot holds ``held`` for it (``holding``)."""
        lot = self._shared(nonce, asked.talk, held)
        return self._with(nonce, replace(lot, offers={**lot.offers, deal: asked}))

    def sold(self, nonce: int, deal: Digest) -> "Capacity":
        """One of the lot's offers is a funded deal: the others cannot open any more."""
        units = self.lots[nonce].offers[deal].units
        return replace(self.freed(nonce), deals={**self.deals, deal: units})

    def stranded(self, nonce: int, deal: Digest) -> tuple[Digest, ...]:
        """The talks that lose their lot when it is sold to the deal."""
        lot = self.lots[nonce]
        return tuple(talk for talk in lot.talks if talk != lot.offers[deal].talk)

    def freed(self, nonce: int) -> "Capacity":
        """Nothing that was signed under the nonce can be opened any more."""
        return replace(self, lots={key: lot for key, lot in self.lots.items() if key != nonce})

    def over(self, deal: Digest, *, back: bool) -> "Capacity":
        """A deal has ended, and its units come back or do not."""
        rest = {key: units for key, units in self.deals.items() if key != deal}
        consumed = self.consumed + (0 if back else self.deals[deal])
        return replace(self, deals=rest, consumed=consumed)

    def outcome(self, state: DealState) -> bool | None:
        """Whether a deal in this state gives its units back; None while it may still tell."""
        if state is DealState.NONE or state in OPEN_STATES:
            return None
        return self.renews or state is DealState.REFUNDED

    def _crowd(self, units: int) -> int:
        """The emptiest lot of those that are large enough, else the largest."""
        ranked = [(units - lot.units, len(lot.talks), nonce) for nonce, lot in self.lots.items()]
        if not ranked:
            raise Unservable(units, self.free)
        return min((max(0, short), talks, nonce) for short, talks, nonce in ranked)[2]

    def _shared(self, nonce: int, talk: Digest, units: int) -> Lot:
        lot = self.lots.get(nonce, Lot())
        talks = lot.talks if talk in lot.talks else (*lot.talks, talk)
        return replace(lot, units=max(lot.units, units), talks=talks)

    def _with(self, nonce: int, lot: Lot) -> "Capacity":
        return replace(self, lots={**self.lots, nonce: lot})
