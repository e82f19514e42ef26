"""What the registry answers with."""

from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from marketplace.ports.store import Entry


class View(BaseModel):
    """An answer; a field that this version does not know is left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    def spelled(self) -> bytes:
        """The answer as JSON: what the model's own method writes, in a third of the time."""
        return _SPELLER.encode(vars(self))


_SPELLER = msgspec.json.Encoder(enc_hook=vars)


class DomainView(View):
    """The EIP-712 domain of every message here, as a wallet takes it."""

    name: str
    version: str
    chainId: int  # noqa: N815 EIP-712's own spelling
    verifyingContract: str  # noqa: N815 the same


class VersionView(View):
    """A version of the protocol and the domain to sign in."""

    version: str
    domain: DomainView
    domain_separator: str


class InfoView(View):
    """What a client must know before it signs."""

    service: str = "parley registry"
    domain: DomainView
    domain_separator: str
    versions: list[VersionView] = Field(description="every version that is taken, best first")
    now: int = Field(description="the registry's clock, integer seconds UTC")


class Receipt(View):
    """Where an accepted message stands in the log and in its thread."""

    kind: str
    digest: str
    thread: str = Field(description="the negotiation's id, or a listing's first version")
    sequence: int = Field(description="position in the thread, from 0 without gaps")
    index: int = Field(description="position in the log, from 0 without gaps")
    leaf_hash: str
    received_at: int

    @classmethod
    def from_entry(cls, entry: Entry) -> "Receipt":
        """The receipt of a stored message."""
        record = entry.record
        return cls(
            kind=record.kind,
            digest=record.digest,
            thread=record.thread,
            sequence=record.position,
            index=entry.index,
            leaf_hash="0x" + record.leaf_hash.hex(),
            received_at=record.received_at,
        )


class ReceiptsView(View):
    """Where the words of a transcript stand, in its order."""

    receipts: list[Receipt]


class MessageView(View):
    """A logged message as its reader gets it."""

    index: int = Field(description="position in the log, from 0 without gaps")
    thread: str
    sequence: int = Field(description="position in the thread, from 0 without gaps")
    kind: str
    received_at: int
    said_at: int | None = Field(None, description="of a word handed in later, unwitnessed")
    message: dict[str, Any] | None = Field(
        None, description="the envelope; null of a timeout, and of what is not the reader's to see"
    )

    @property
    def at(self) -> int:
        """The instant that rules a negotiation."""
        return self.received_at if self.said_at is None else self.said_at


class MessagesView(View):
    """Messages in order."""

    messages: list[MessageView]


class PollView(MessagesView):
    """Messages in order, and where the next ones begin."""

    next: int


class NegotiationView(View):
    """Where a negotiation stands now, timeouts included.

    ``provisional`` is true while an offer in a TERMINATED or FAILED negotiation could
    still be opened on chain by whoever countersigns it.
    """

    id: str
    version: str
    listing: str
    buyer: str
    seller: str
    state: str
    turn: str
    head: str
    rounds: int
    max_rounds: int
    length: int
    deadline: int
    last_open_by: int
    provisional: bool
    confidential: bool
    escalated: bool
    reason: int
    agreement: str | None


class LogEntryView(View):
    """One leaf: the exact bytes that were hashed, as text; and the body, if it is shown."""

    index: int
    leaf_hash: str
    data: str
    body: str = ""


class LogView(View):
    """A range of the log and the root over all of it (RFC 6962, SHA-256)."""

    size: int
    root: str
    entries: list[LogEntryView]
