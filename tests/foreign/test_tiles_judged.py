"""Tiles and entry bundles: ours are Go's byte for byte, and Go sees when one is not."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from claims import KEY, extended, grown, included, noted
from judges import GO, Case, accepted, go

from marketplace.core.checkpoint import Checkpoint
from marketplace.core.merkle import (
    Growth,
    Node,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_hash,
    resolve,
)
from marketplace.core.note import Note, Verifier
from marketplace.core.tiles import (
    HEIGHT,
    HIGHEST_LEVEL,
    WIDTH,
    Tile,
    bundled,
    hashes_in,
    leaves_in,
    run_of,
    subtree,
    tile_of,
    width_of,
)

VKEY = str(KEY.name.verifier)
SIZES = (0, 1, 2, 255, 256, 257, 511, 512, 70_000)


def tiles(records: tuple[bytes, ...], growth: Growth) -> Iterator[tuple[Tile, bytes]]:
    """Every tile and entry bundle of a log, as our code cuts them."""
    size = growth.tree.size
    for level in range(HIGHEST_LEVEL + 1):
        for index in range(-(-(size >> HEIGHT * level) // WIDTH)):
            tile = Tile(level, index, width_of(level, index, size))
            run = range(tile.run.start, tile.run.start + tile.run.count)
            yield tile, b"".join(growth.nodes[HEIGHT * level, at] for at in run)
    for index in range(-(-size // WIDTH)):
        bundle = Tile(None, index, width_of(0, index, size))
        yield bundle, bundled(records[bundle.run.start : bundle.run.start + bundle.width])


def published(place: Path, size: int) -> Path:
    """A log of ours in a directory."""
    records, growth = grown(size)
    files = {f"tile/{tile.path}": data for tile, data in tiles(records, growth)}
    files["checkpoint"] = noted(size, growth.tree.root).encode()
    for name, data in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place


def files(place: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


def made(place: Path, size: int) -> tuple[Path, str]:
    """The same log as Go makes it, and its key."""
    records = [record.hex() for record in grown(size)[0]]
    (verdict,) = go(
        [{"check": "make", "base": str(place), "origin": KEY.origin, "records": records}]
    )
    assert verdict["ok"]
    return place, verdict["vkey"]


def asked(place: Path, vkey: str = VKEY) -> Case:
    return {"check": "log", "base": str(place), "vkey": vkey}


@pytest.mark.parametrize("size", SIZES)
def test_our_tiles_are_the_very_bytes_that_go_makes_and_go_reads_them_all(
    size: int, tmp_path: Path
):
    ours = published(tmp_path / "ours", size)
    theirs, vkey = made(tmp_path / "theirs", size)
    assert {**files(ours), "checkpoint": b""} == {**files(theirs), "checkpoint": b""}
    mine, other = go([asked(ours), asked(theirs, vkey)])
    assert mine == other
    assert mine["ok"]
    count = sum(not name.startswith(("tile/entries", "checkpoint")) for name in files(ours))
    assert (mine.get("entries", 0), mine.get("tiles", 0)) == (size, count)


@pytest.mark.parametrize("size", [7, 256, 1_234_067 * 256 + 7, 999 << 16, 5 << 24, (1 << 40) - 1])
def test_names_of_what_the_last_entry_changes_are_those_of_go(size: int):
    (verdict,) = go([{"check": "names", "old_size": size - 1, "size": size}])
    names = []
    for level in range(HIGHEST_LEVEL + 1):
        count = size >> HEIGHT * level
        if count == (size - 1) >> HEIGHT * level:
            break
        index = (count - 1) // WIDTH
        width = width_of(level, index, size)
        kinds = (0, None) if level == 0 else (level,)
        names += [f"tile/{Tile(kind, index, width).path}" for kind in kinds]
    assert verdict["names"] == names


@pytest.mark.parametrize("size", [1, 257, 600])
def test_proofs_that_go_makes_of_our_tiles_are_ours(size: int, tmp_path: Path):
    ours = published(tmp_path, size)
    numbers = [(index, index + 1) for index in {0, 1, size // 2, size - 1} if index < size]
    told = go(
        [{**asked(ours), "check": "prove", "index": at, "old_size": old} for at, old in numbers]
    )
    for (index, old), verdict in zip(numbers, told, strict=True):
        proofs = included(index, *grown(size)).proof, extended(old, grown(size)[1]).proof
        inclusion, consistency = (verdict.get(kind, []) for kind in ("inclusion", "consistency"))
        assert verdict["ok"]
        assert inclusion == [element.hex() for element in proofs[0]]
        assert consistency == [element.hex() for element in proofs[1]]


@pytest.mark.parametrize("size", [1, 257, 700])
def test_our_reader_proves_entries_of_a_log_that_go_made(size: int, tmp_path: Path):
    place, vkey = made(tmp_path, size)
    note = Note.parse((place / "checkpoint").read_text())
    Verifier.parse(vkey).check(note)
    checkpoint = Checkpoint.parse(note.text)

    def hash_of(node: Node) -> bytes:
        run = run_of(node)
        tile, begin = tile_of(run, checkpoint.size)
        read = hashes_in((place / "tile" / tile.path).read_bytes())
        return subtree(read[begin : begin + run.count])

    for index in range(0, size, 37):
        bundle = Tile(None, index // WIDTH, width_of(0, index // WIDTH, size))
        leaves = leaves_in((place / "tile" / bundle.path).read_bytes())
        proof = resolve(inclusion_path(index, size), hash_of)
        check_inclusion(leaf_hash(leaves[index % WIDTH]), index, checkpoint.tree, proof)
        old = grown(index)[1].tree
        links = resolve(consistency_path(index, size), hash_of)
        check_consistency((index, old.root), checkpoint.tree, links)


def test_full_tile_stands_in_for_a_partial_one_that_has_been_outgrown(tmp_path: Path):
    place = published(tmp_path, 600)
    note = (published(tmp_path / "earlier", 300) / "checkpoint").read_bytes()
    (place / "checkpoint").write_bytes(note)
    (place / "tile/1").rename(place / "tile/outgrown")
    # One level up no tile is full yet: that partial one must be there.
    (verdict,) = go([asked(place)])
    assert (verdict["ok"], "tile/1/000.p/1: not there" in verdict["why"]) == (False, True)
    (place / "tile/1/000.p").mkdir(parents=True)
    first = (place / "tile/outgrown/000.p/2").read_bytes()[:32]
    (place / "tile/1/000.p/1").write_bytes(first)
    assert accepted(go([asked(place)])) == [True]


# ---------------------------------------------------------------- what is not as it was

CHANGES: dict[str, Callable[[bytes, Random], bytes]] = {
    "a bit is another": lambda data, random: flipped(data, random.randrange(8 * len(data))),
    "its end is missing": lambda data, random: data[: random.randrange(len(data))],
    "something follows": lambda data, random: data + random.randbytes(random.choice((1, 32))),
    "its halves change places": lambda data, _: data[len(data) // 2 :] + data[: len(data) // 2],
}


def flipped(data: bytes, bit: int) -> bytes:
    return bytes(byte ^ (1 << bit % 8) * (at == bit // 8) for at, byte in enumerate(data))


@pytest.mark.parametrize("change", CHANGES)
def test_no_file_of_a_log_can_change_unseen(change: str, tmp_path: Path):
    random = Random(change)  # noqa: S311 repeatable, not secret
    place = published(tmp_path, 600)
    for name, data in files(place).items():
        other = CHANGES[change](data, random)
        if name == "checkpoint":
            # Its other readings are in test_notes_judged.
            continue
        assert other != data
        (place / name).write_bytes(other)
        assert accepted(go([asked(place)])) == [False], name
        (place / name).write_bytes(data)
    assert accepted(go([asked(place)])) == [True]


def test_no_file_of_a_log_can_be_missing_unseen(tmp_path: Path):
    place = published(tmp_path, 600)
    for name in files(place):
        (place / name).rename(place / "gone")
        assert accepted(go([asked(place)])) == [False], name
        (place / "gone").rename(place / name)


def test_log_of_no_entries_has_the_root_of_none(tmp_path: Path):
    (tmp_path / "checkpoint").write_text(noted(0, bytes(32)))
    assert accepted(go([asked(tmp_path)])) == [False]


def test_whole_log_is_judged_from_a_command_line(tmp_path: Path):
    command = [str(GO), str(published(tmp_path, 300)), VKEY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["entries"]) == (0, 300)
    (tmp_path / "tile/entries/000").write_bytes(b"")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (1, False)


def test_log_with_two_entries_exchanged_is_not_the_one_that_was_signed(tmp_path: Path):
    place = published(tmp_path, 600)
    bundle = place / "tile/entries/000"
    leaves = leaves_in(bundle.read_bytes())
    bundle.write_bytes(bundled([leaves[1], leaves[0], *leaves[2:]]))
    (verdict,) = go([asked(place)])
    assert (verdict["ok"], verdict["why"]) == (False, "entry 0 is not the one in the tree")


@pytest.mark.parametrize("length", [0, 1, 65_535])
def test_entry_of_any_length_is_read_by_go(length: int, tmp_path: Path):
    assert bundled([b"x" * length])[:2] == length.to_bytes(2, "big")
    place, vkey = tmp_path, ""
    records = [(b"x" * length).hex(), "00"]
    (verdict,) = go(
        [{"check": "make", "base": str(place), "origin": KEY.origin, "records": records}]
    )
    vkey = verdict["vkey"]
    assert (place / "tile/entries/000.p/2").read_bytes() == bundled([b"x" * length, b"\0"])
    assert accepted(go([asked(place, vkey)])) == [True]
