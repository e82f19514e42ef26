"""The index of listings in a dict: every search looks at every listing."""

from collections.abc import Mapping, Sequence
from operator import eq, ge, le, ne

from marketplace.core.request import Comparison, Predicate
from marketplace.ports.index import Found, ListingRow, Order, Search, Tally
from marketplace.ports.matching import whole, words

COMPARE = {Comparison.EQUAL: eq, Comparison.UNEQUAL: ne}
SIZES = {Comparison.AT_LEAST: ge, Comparison.AT_MOST: le}


class MemoryIndex:
    """``ports.index.ListingIndex``; the oracle of the others."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, ListingRow] = {}
        self._heard: dict[str, int] = {}
        self._settled: dict[str, int] = {}
        self._blocks: dict[str, int] = {}
        self._open: dict[str, str] = {}

    async def search(self, search: Search) -> list[Found]:
        """Rows that match, in the search's order."""
        found = [self._found(row, search.order) for row in self._rows.values()]
        places = sorted(((f.key, f.row.thread), f) for f in found if self._matches(f, search))
        after = [f for place, f in places if search.after is None or place > search.after]
        return after[: search.limit]

    async def row(self, thread: str) -> ListingRow | None:
        """The current row of a listing, whatever its state."""
        return self._rows.get(thread)

    async def unindexed(self) -> list[str]:
        """None: nothing here is older than its process."""
        return []

    async def fill(self, rows: Sequence[tuple[int, ListingRow]]) -> None:
        """Give unindexed listings their rows; a thread that has one keeps it."""
        for _, row in rows:
            if row.thread not in self._rows:
                self._publish(row)

    async def heard(self, thread: str, at: int) -> None:
        """Its seller is there: the listing is alive for another heartbeat."""
        if thread in self._rows:
            self._heard[thread] = max(at, self._heard[thread])

    async def settled(self, tally: Tally) -> bool:
        """Add a tally; False where another one was added first."""
        if await self.settled_block(tally.escrow) != tally.since:
            return False
        for seller, gained in tally.gained.items():
            self._settled[seller] = self._settled.get(seller, 0) + gained
        self._open |= tally.opened
        for deal in tally.ended:
            self._open.pop(deal, None)
        self._blocks[tally.escrow] = tally.until
        return True

    async def settled_block(self, escrow: str) -> int:
        """The block up to which an escrow's deals were counted; -1 before the first."""
        return self._blocks.get(escrow, -1)

    async def open_deals(self, deals: Sequence[str]) -> dict[str, str]:
        """Sellers of those of the deals that are open, as far as they were counted."""
        return {deal: self._open[deal] for deal in deals if deal in self._open}

    def _publish(self, listing: ListingRow) -> None:
        """Put a row in place of its thread's earlier one."""
        at = listing.published_at
        self._rows[listing.thread] = listing
        self._heard[listing.thread] = max(at, self._heard.get(listing.thread, at))

    def _found(self, row: ListingRow, order: Order) -> Found:
        settled = self._settled.get(row.seller, 0)
        keys = {
            Order.OLDEST: row.published_at,
            Order.CHEAPEST: row.lowest_price,
            Order.REPUTATION: -settled,
        }
        return Found(row, settled, keys[order])

    def _matches(self, found: Found, search: Search) -> bool:
        row, price = found.row, search.highest_price
        heard = self._heard[row.thread] + row.heartbeat
        return (
            search.now < row.expires_at
            and (row.heartbeat == 0 or search.now < heard)
            and row.capacity >= max(1, search.units)
            and search.kind in ("", row.kind)
            and search.seller in ("", row.seller)
            and (price is None or row.lowest_price <= price)
            and found.settled >= search.least_settled
            and all(_holds(predicate, row.attributes) for predicate in search.where)
            and _reads(search.text, row)
        )


def _holds(predicate: Predicate, attributes: Mapping[str, str]) -> bool:
    value = attributes.get(predicate.name)
    if value is None:
        return False
    if predicate.comparison in COMPARE:
        return bool(COMPARE[predicate.comparison](value, predicate.value))
    number, bound = whole(value), whole(predicate.value)
    if number is None or bound is None:
        return False
    return bool(SIZES[predicate.comparison](number, bound))


def _reads(text: str, row: ListingRow) -> bool:
    read = [row.title, *row.attributes.keys(), *row.attributes.values()]
    found = words(" ".join(read))
    return all(any(word.startswith(begun) for word in found) for begun in words(text))
