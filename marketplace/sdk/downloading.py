"""Downloading a log: tiles for all, bodies for whom they are shown.

What comes is compared with what the signed root proves, tile by tile, before it is handed
on; the auditor computes all of it once more. A tile that is wrong in itself ends the
reading, for nothing after it has a known place.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import zip_longest

from marketplace.core.audit import LoggedEntry
from marketplace.core.checkpoint import Checkpoint
from marketplace.core.errors import LogRefused, MalformedValue, Missing
from marketplace.core.merkle import leaf_hash
from marketplace.core.report import Report
from marketplace.core.tiles import WIDTH, Tile, width_of
from marketplace.sdk.registry import Registry
from marketplace.sdk.tiles import Kept, ProvenTiles, TileReader
from marketplace.wire.views import LogEntryView, LogView

# Tiles that are asked for before they are needed.
AHEAD = 8
# What a server may say instead of a tile that the root has.
NO_TILE = (LogRefused, MalformedValue, Missing)

# A page as everybody gets it, and those of its entries that a login gets, by index.
Page = tuple[LogView, Mapping[int, LogEntryView]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Some entries' leaves, and the hashes that are served for them."""

    start: int
    leaves: Sequence[bytes]
    stated: Sequence[bytes]


class Tiles:
    """The tiles of a checkpoint, in order.

    Args:
        reader: where they are served.
        checkpoint: which tree.
        kept: where full ones are kept.
        report: where to say what is wrong.
    """

    def __init__(
        self, reader: TileReader, checkpoint: Checkpoint, kept: Kept | None, report: Report
    ) -> None:
        self._reader, self._kept, self._report = reader, kept, report
        self._size = checkpoint.size
        self._told: set[str] = set()
        self._proven: ProvenTiles | None = None
        try:
            self._proven = ProvenTiles(reader, checkpoint.tree, kept)
        except NO_TILE as error:
            report.found("log", "checkpoint", str(error))

    def bundles(self, pool: Executor) -> Iterator[Bundle]:
        """Every entry bundle with the hashes beside it; some are asked for ahead."""
        asked: deque[Future[Bundle]] = deque()
        count = -(-self._size // WIDTH)
        for index in range(count):
            while (following := index + len(asked)) < min(count, index + AHEAD):
                asked.append(pool.submit(self._bundle, following))
            try:
                bundle = asked.popleft().result()
            except NO_TILE as error:
                self._say(str(error))
                self._say(f"entries from {index * WIDTH} on were not read")
                for each in asked:
                    each.cancel()
                return
            yield bundle

    def _bundle(self, index: int) -> Bundle:
        width = width_of(0, index, self._size)
        leaves, hashes = self._leaves(index, width)
        return Bundle(index * WIDTH, leaves, self._stated(index, width, hashes))

    def _leaves(self, index: int, width: int) -> tuple[list[bytes], list[bytes]]:
        if self._proven is not None:
            try:
                return self._proven.bundle(index)
            except NO_TILE as error:
                self._say(str(error))
        # Served otherwise than signed: judged all the same, so that every fault is named.
        leaves = self._reader.leaves(Tile(None, index, width))
        return leaves, [leaf_hash(leaf) for leaf in leaves]

    def _stated(self, index: int, width: int, hashes: list[bytes]) -> list[bytes]:
        """The hashes that are served for entries; once they were right, what is kept of that."""
        tile, right = Tile(0, index, width), b"".join(hashes)
        if self._kept is not None and width == WIDTH and self._kept.get(tile) == right:
            return hashes
        try:
            stated = self._reader.hashes(tile)
        except NO_TILE as error:
            self._say(str(error))
            return hashes
        if stated == hashes and self._kept is not None and width == WIDTH:
            self._kept.put(tile, right)
        return stated

    def _say(self, told: str) -> None:
        # A tile high up is in the way of many.
        if told not in self._told:
            self._told.add(told)
            self._report.found("log", "tiles", told)


class Bodies:
    """The bodies of a log, as its pages show them to everybody and to a login.

    Args:
        everybody: asks without a login.
        login: asks with one; None where the auditor has none.
        report: where to say that a page has another leaf than the tile.
    """

    def __init__(self, everybody: Registry, login: Registry | None, report: Report) -> None:
        self._everybody, self._login, self._report = everybody, login, report
        self._next: Future[Page] | None = None
        self._entries: list[tuple[LogEntryView, LogEntryView | None]] = []
        self._at = 0
        self._ended = False

    def of(self, bundle: Bundle, pool: Executor) -> list[LoggedEntry]:
        """The entries of a bundle."""
        while not self._ended and len(self._entries) < len(bundle.leaves):
            self._turn(pool)
        shown, self._entries = (
            self._entries[: len(bundle.leaves)],
            self._entries[len(bundle.leaves) :],
        )
        return [
            self._entry(index, leaf, stated, views)
            for index, (leaf, stated, views) in enumerate(
                zip_longest(bundle.leaves, bundle.stated, shown), bundle.start
            )
        ]

    def _turn(self, pool: Executor) -> None:
        """One more page, and the next is asked for."""
        asked = self._next or pool.submit(self._page, self._at)
        public, mine = asked.result()
        self._entries += [(entry, mine.get(entry.index)) for entry in public.entries]
        self._at += len(public.entries)
        self._ended = not public.entries or self._at >= public.size
        self._next = None if self._ended else pool.submit(self._page, self._at)

    def _page(self, start: int) -> Page:
        public = self._everybody.log(start)
        hidden = any('"body":"0x' in entry.data and not entry.body for entry in public.entries)
        if self._login is None or not hidden:
            return public, {}
        end = start + len(public.entries)
        mine: dict[int, LogEntryView] = {}
        while start < end and (page := self._login.log(start)).entries:
            mine |= {entry.index: entry for entry in page.entries}
            # It may be cut elsewhere.
            start += len(page.entries)
        return public, mine

    def _entry(
        self,
        index: int,
        leaf: bytes,
        stated: bytes,
        views: tuple[LogEntryView, LogEntryView | None] | None,
    ) -> LoggedEntry:
        told = "0x" + stated.hex()
        if views is None:
            return LoggedEntry(index, told, leaf)
        public, mine = views
        for view in (public, mine):
            if view is not None:
                self._compare(index, leaf, view)
        login = mine is not None and bool(mine.body) and not public.body
        body = mine.body if mine is not None and login else public.body
        return LoggedEntry(index, told, leaf, body.encode(), login)

    def _compare(self, index: int, leaf: bytes, view: LogEntryView) -> None:
        shown = leaf.decode("utf-8", "backslashreplace")
        if view.index != index or view.data != shown:
            told = f"/v1/log has {view.data[:120]!r} at {view.index}, the tile {shown[:120]!r}"
            self._report.found("log", f"entry {index}", told)
        elif view.leaf_hash != "0x" + leaf_hash(leaf).hex():
            told = f"leaf hash stated {view.leaf_hash[:80]!r} in /v1/log, of these bytes another"
            self._report.found("log", f"entry {index}", told)
