"""The log's tree in SQL: what appends go on from, and proofs read.

Leaf hashes are with their entries. Of the nodes above, only the roots of whole tiles are
kept, one row for 256 entries; the rest follows from them.
"""

from collections.abc import Sequence

from marketplace.adapters.sql.plan import Many, Plan, Query
from marketplace.core.merkle import Growth, Tree
from marketplace.core.tiles import HEIGHT, Run, hashes_in

# Of an old log that is planted, in one step.
PAGE = 10_000


def tree_of(size: int, peaks: bytes) -> Tree:
    """The tree of its row."""
    return Tree(size, tuple(hashes_in(peaks)))


def grow(tree: Tree, new: Sequence[bytes]) -> Plan[Growth]:
    """The tree with new leaf hashes, in the transaction that appends them."""
    growth = tree.grown(new)
    tops = sorted(
        (height // HEIGHT, place, node)
        for (height, place), node in growth.nodes.items()
        # What stood before has its row.
        if height and height % HEIGHT == 0 and place >= tree.size >> height
    )
    yield Many("INSERT INTO nodes (level, idx, hash) VALUES (?, ?, ?)", tops)
    grown = growth.tree
    yield Query("UPDATE tree SET size = ?, peaks = ?", (grown.size, b"".join(grown.peaks)))
    return growth


def hashes(run: Run) -> Plan[list[bytes]]:
    """Hashes of the tree's tiles, in order."""
    places = run.start, run.start + run.count
    if run.level:
        where = "WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx"
        rows = yield Query(f"SELECT hash FROM nodes {where}", (run.level, *places))  # noqa: S608 constants only
    else:
        rows = yield Query(
            "SELECT leaf_hash FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx", places
        )
    return [bytes(row[0]) for row in rows]


def leaves(start: int, count: int) -> Plan[list[bytes]]:
    """The leaves themselves, in order; bodies are many times as large, and left where they are."""
    rows = yield Query(
        "SELECT leaf FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx", (start, start + count)
    )
    return [bytes(row[0]) for row in rows]


def plant() -> Plan[None]:
    """The tree of a log that was written when none was kept."""
    tree = Tree()
    while True:
        page = yield from hashes(Run(0, tree.size, PAGE))
        if not page:
            return
        tree = (yield from grow(tree, page)).tree
