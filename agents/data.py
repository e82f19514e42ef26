"""Data as a good: rows in chunks whose digests are in the listing.

A unit of quantity is a chunk. Anybody computes from the listing alone which digest the
terms of any quantity must commit to, so the seller cannot sell other rows than listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agents.providers.dataset import Dataset, check_slice, slice_digest
from marketplace.sdk import Agreement, Content, Issue, Outcome, OutcomeSpace, SettlementRules

CHUNK_DIGESTS = "chunk_digests"


@dataclass(frozen=True, slots=True)
class Rows:
    """What both sides know of a table: the digest of each chunk."""

    chunk_digests: tuple[str, ...]

    @classmethod
    def listed(cls, content: Content) -> "Rows":
        """From a listing's attributes."""
        return cls(tuple(content.attributes[CHUNK_DIGESTS].split()))

    def delivery(self, outcome: Outcome) -> Mapping[str, str]:
        """Recognised by the digest over the chunks' digests."""
        digest = slice_digest(self.chunk_digests, outcome["quantity"])
        return {"method": "chunks", "digest": digest}

    def check(self, agreement: Agreement, data: bytes, charge: int) -> None:
        """Compare chunk by chunk; rows have no meter, so any charge up to the price is agreed."""
        del charge
        check_slice(data, self.chunk_digests, agreement.subject.outcome["quantity"])


@dataclass(frozen=True, slots=True)
class Table:
    """The seller's side: it has the rows."""

    dataset: Dataset

    @property
    def rows(self) -> Rows:
        """What the listing tells."""
        return Rows(tuple(self.dataset.chunk_digests))

    def delivery(self, outcome: Outcome) -> Mapping[str, str]:
        """As the buyer computes it."""
        return self.rows.delivery(outcome)

    def produce(self, agreement: Agreement) -> tuple[bytes, int]:
        """The rows that were bought, at the agreed price."""
        rows = self.dataset.slice_bytes(agreement.subject.outcome["quantity"])
        return rows, agreement.terms.price


def listing(token: str, table: Table, title: str, rules: SettlementRules | None = None) -> Content:
    """A table for sale from 100 to 2,000 base units a chunk; ``rules`` may name an arbiter."""
    digests = table.rows.chunk_digests
    issues = (
        Issue("unit_price", 100, 2_000),
        Issue("quantity", 1, len(digests)),
        Issue("delivery_window", 300, 3_600, 300),
    )
    attributes = {CHUNK_DIGESTS: " ".join(digests), "licence": "Apache-2.0"}
    space, rules = OutcomeSpace(issues), rules or SettlementRules(token)
    return Content("data", title, "chunk of rows", space, attributes, rules)
