"""Everything that is derived from the log, derived again and compared."""

import json
import tempfile
from pathlib import Path

from crash.house import House
from crash.tables import POSTGRESQL, Rows, read
from crash.traffic import DOMAIN
from marketplace.adapters.sql.store import open_store
from marketplace.core.entry import read as read_entry
from marketplace.core.message import parse_message
from marketplace.core.words import Kind
from marketplace.ports.index import ListingRow
from marketplace.ports.store import Record
from marketplace.services.listings import _row

ENTRIES = (
    "SELECT kind, digest, signer, thread, position, parties, leaf, leaf_hash, body, received_at"
    " FROM entries ORDER BY idx"
)
DERIVED = {
    "told": "SELECT party, idx FROM told ORDER BY party, idx",
    "listings": "SELECT * FROM listings ORDER BY id",
    "listing_numbers": "SELECT id, name, number FROM listing_numbers ORDER BY id, name",
    "listing_terms": "SELECT rowid FROM listing_terms ORDER BY rowid",
}


async def check_rebuilt(house: House, where: str) -> None:
    """Append the log to an empty store; its tables must be those that survived the kills."""
    entries, *survived = await read(where, ENTRIES, *DERIVED.values())
    if not where.startswith(POSTGRESQL):
        ((told,), *_), *_ = await read(where, "PRAGMA integrity_check")
        if told != "ok":
            house.blame("file damaged", told)
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "rebuilt.sqlite")
        async with open_store(path) as store:
            for row in entries:
                await store.append(_record(row))
        rebuilt = await read(path, *DERIVED.values())
    for name, found, expected in zip(DERIVED, survived, rebuilt, strict=True):
        if found != expected:
            house.blame("rebuilt otherwise", name, _apart(found, expected))
    house.counts["rebuilt"] += len(entries)


def _record(row: tuple[object, ...]) -> Record:
    kind, digest, signer, thread, position, parties, leaf, hashed, body, at = row
    named = str(kind), str(digest), str(signer), str(thread), int(str(position))
    stored = bytes(leaf), bytes(hashed), bytes(body)  # type: ignore[arg-type]
    told, received = tuple(json.loads(str(parties))), int(str(at))
    listing = _listing(str(thread), *stored[::2], received) if kind == Kind.LISTING else None
    return Record(*named, told, *stored, received, listing=listing)


def _listing(thread: str, leaf: bytes, body: bytes, at: int) -> ListingRow:
    envelope = read_entry(leaf, body).envelope
    assert envelope is not None
    return _row(thread, parse_message(envelope, DOMAIN), at)


def _apart(found: Rows, expected: Rows) -> str:
    alone = [
        [row for row in a if row not in b][:2] for a, b in ((found, expected), (expected, found))
    ]
    return f"{alone[0]} {alone[1]}"
