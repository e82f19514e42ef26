"""A contradiction: what a log signed once against what it signs now.

Two checkpoints of one size contradict each other by themselves. Of others it takes one
entry, with its proof under both: the earlier proof comes from tiles that were kept.
"""

from dataclasses import replace
from typing import TypeAlias

from marketplace.core.checkpoint import Checkpoint
from marketplace.core.errors import LogRefused, MalformedValue, Missing, SignatureRefused
from marketplace.core.merkle import check_inclusion
from marketplace.core.report import Evidence, Signed
from marketplace.core.tiles import WIDTH, Tile, width_of
from marketplace.sdk.remembered import Remembered
from marketplace.sdk.tiles import TileReader

Side: TypeAlias = tuple[Remembered, TileReader]
# What makes the one entry impossible to show; the two checkpoints stay.
UNSHOWN = (LogRefused, MalformedValue, Missing)


def contradiction(kind: str, earlier: Side, later: Side) -> Evidence:
    """The evidence of what was found, for whom it may concern.

    Args:
        kind: fork or truncated.
        earlier: what is remembered, and the tiles that were kept.
        later: what is served, and its tiles.
    """
    name = earlier[0].name
    found = Evidence(kind, name.origin, name.key, _signed(earlier[0]), _signed(later[0]))
    try:
        index = _first_other(earlier, later)
        if index is None:
            return found
        before, after = (_shown(side, index) for side in (earlier, later))
    except UNSHOWN:
        return found
    return replace(found, earlier=before, later=after, index=index)


def _signed(said: Remembered) -> Signed:
    checkpoint = said.checkpoint
    try:
        signature = said.name.open(said.note)[1]
    except (LogRefused, SignatureRefused):
        signature = ""
    return Signed(said.note, checkpoint.size, "0x" + checkpoint.root.hex(), signature)


def _first_other(earlier: Side, later: Side) -> int | None:
    """The first index at which the two trees have different leaf hashes."""
    sizes = earlier[0].checkpoint.size, later[0].checkpoint.size
    for bundle in range(-(-min(sizes) // WIDTH)):
        before, after = (
            tiles.hashes(_leaves(said.checkpoint, bundle)) for said, tiles in (earlier, later)
        )
        for place, (one, other) in enumerate(zip(before, after, strict=False)):
            if one != other:
                return bundle * WIDTH + place
    return None


def _shown(side: Side, index: int) -> Signed:
    """The checkpoint with the entry's proof under it, which holds."""
    said, tiles = side
    checkpoint = said.checkpoint
    bundle, place = divmod(index, WIDTH)
    leaf = tiles.hashes(_leaves(checkpoint, bundle))[place]
    proof = tiles.inclusion(index, checkpoint.size)
    check_inclusion(leaf, index, checkpoint.tree, proof)
    told = tuple("0x" + each.hex() for each in proof)
    return replace(_signed(said), leaf_hash="0x" + leaf.hex(), proof=told)


def _leaves(checkpoint: Checkpoint, bundle: int) -> Tile:
    return Tile(0, bundle, width_of(0, bundle, checkpoint.size))
