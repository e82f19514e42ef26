"""Records and rows as the stores' tests make them."""

from dataclasses import replace
from typing import Protocol

from marketplace.core.merkle import leaf_hash
from marketplace.ports.artifacts import ArtifactStore
from marketplace.ports.index import ListingIndex, ListingRow
from marketplace.ports.journal import Journal
from marketplace.ports.store import Record, Store
from marketplace.ports.webhooks import WebhookStore

BUYER, SELLER, OTHER = "0xbuyer", "0xseller", "0xother"
NOW = 1_800_000_000


class AnyStore(Store, ListingIndex, ArtifactStore, Journal, WebhookStore, Protocol):
    """What every adapter offers."""


def record(digest: str, thread: str = "talk", position: int = 0, kind: str = "offer") -> Record:
    leaf = f'{{"digest":"{digest}"}}'.encode()
    return Record(
        kind=kind,
        digest=digest,
        signer=SELLER,
        thread=thread,
        position=position,
        parties=(BUYER, SELLER),
        leaf=leaf,
        leaf_hash=leaf_hash(leaf),
        body=b"\x00\xff" + leaf,
        received_at=NOW,
    )


def row(thread: str, **changes: object) -> ListingRow:
    plain = ListingRow(
        thread=thread,
        digest=f"{thread} digest",
        seller=SELLER,
        kind="compute",
        title="Fast GPU hours",
        unit="hour",
        attributes={"region": "eu", "memory": "80"},
        lowest_price=100,
        highest_price=900,
        capacity=5,
        expires_at=NOW + 1000,
        heartbeat=0,
        published_at=NOW,
    )
    return replace(plain, **changes)


def listing(shown: ListingRow, position: int = 0) -> Record:
    """The record that publishes a row."""
    plain = record(f"{shown.thread} {position}", shown.thread, position, "listing")
    return replace(plain, listing=shown, received_at=shown.published_at)
