"""The index port: listings as they are searched.

A row is derived from a listing's signed words and written in the commit that appends
them; only the heartbeat and the count of settled deals come from elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from marketplace.core.request import Predicate

# What a database counts with; a listing and a search that name more meet here.
MOST_UNITS = (1 << 62) - 1


@dataclass(frozen=True, slots=True)
class ListingRow:
    """A listing's current version, as far as a search asks about it.

    Attributes:
        thread: digest of its first version.
        digest: digest of this version.
        seller: who sells.
        kind: what is sold.
        title: one line for a reader; free text is looked for here and in the attributes'
            names and values.
        unit: what one unit of quantity is.
        attributes: facts by name.
        lowest_price: the lowest unit price, in base units.
        highest_price: the highest one.
        capacity: units on sale now, ``MOST_UNITS`` for that or more; 0 closes the listing.
        expires_at: the instant from which it is none.
        heartbeat: seconds after which it counts as dead unless its seller is heard; 0: never.
        published_at: when this version was received.
    """

    thread: str
    digest: str
    seller: str
    kind: str
    title: str
    unit: str
    attributes: Mapping[str, str]
    lowest_price: int
    highest_price: int
    capacity: int
    expires_at: int
    heartbeat: int
    published_at: int


class Order(StrEnum):
    """In which order a search answers; ties go by the thread's digest, so cursors hold."""

    OLDEST = "oldest"
    CHEAPEST = "cheapest"
    REPUTATION = "reputation"


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for; an empty word or None matches everything.

    Attributes:
        now: what is over or dead at this instant does not match; an instant more than a day
            before the last publication may miss what was alive then.
        kind: exactly.
        seller: exactly.
        text: words, each of which begins a word of title or attributes, in any case.
        where: conditions on attributes, all of which hold.
        highest_price: the lowest unit price is at most this.
        units: capacity is at least this; at most ``MOST_UNITS``.
        least_settled: the seller has at least so many settled deals.
        order: see ``Order``.
        after: the cursor's place: the last row's key and thread.
        limit: at most so many rows.
    """

    now: int
    kind: str = ""
    seller: str = ""
    text: str = ""
    where: tuple[Predicate, ...] = ()
    highest_price: int | None = None
    units: int = 1
    least_settled: int = 0
    order: Order = Order.OLDEST
    after: tuple[int, str] | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A row that matches, with what is not in its seller's words.

    Attributes:
        row: the listing.
        settled: the seller's settled deals, as the registry has read them from the chain.
        key: the order's key, for a cursor: publication time, lowest price, minus settled.
    """

    row: ListingRow
    settled: int
    key: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What an escrow's blocks say about sellers, from one block up to another.

    Attributes:
        escrow: names the escrow; each is counted by itself.
        since: the block up to which it had been counted before; -1 for none.
        until: the block up to which it is now.
        gained: how many more settled deals each seller has.
        opened: sellers by the deals that were opened and are open yet.
        ended: deals that were open before and are no more.
    """

    escrow: str
    since: int
    until: int
    gained: Mapping[str, int]
    opened: Mapping[str, str]
    ended: Sequence[str]


class ListingIndex(Protocol):
    """Where listings are found."""

    async def search(self, search: Search) -> list[Found]:
        """Rows that match, in the search's order."""
        ...

    async def row(self, thread: str) -> ListingRow | None:
        """The current row of a listing, whatever its state."""
        ...

    async def unindexed(self) -> list[str]:
        """Threads of listings that an earlier version logged and that have no row yet."""
        ...

    async def fill(self, rows: Sequence[tuple[int, ListingRow]]) -> None:
        """Give unindexed listings their rows, each with its entry's index.

        A thread that has a row keeps it.
        """
        ...

    async def heard(self, thread: str, at: int) -> None:
        """Its seller is there: the listing is alive for another heartbeat.

        A version that is published says so too.
        """
        ...

    async def settled(self, tally: Tally) -> bool:
        """Add a tally, whole and durably; False where another one was added first.

        That is where the escrow has not been counted up to the tally's ``since``.
        """
        ...

    async def settled_block(self, escrow: str) -> int:
        """The block up to which an escrow's deals were counted; -1 before the first."""
        ...

    async def open_deals(self, deals: Sequence[str]) -> dict[str, str]:
        """Sellers of those of the deals that are open, as far as they were counted."""
        ...
