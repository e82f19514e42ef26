"""What an audit says: what it proved, what it found, what was closed."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from marketplace.core.signature import Signature
from marketplace.core.values import Address, Digest


class Right(StrEnum):
    """By which right the words of a negotiation were read."""

    PUBLIC = "public"
    PARTY = "party"
    AUTHORISED = "authorised"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold.

    Attributes:
        kind: a stable word: log, fork, truncated, anchor, message, agreement, deal, event,
            rpc or policy.
        where: the entry's index, the tile, the size, the negotiation's id or the deal's digest.
        what: exactly what is wrong.
    """

    kind: str
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Opened:
    """How far a negotiation was read.

    Attributes:
        right: the one that it took.
        read: how many of its words.
        unread: how many were not shown, or hang on one that was not.
    """

    right: Right
    read: int
    unread: int


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint as its log signed it.

    Attributes:
        note: the signed note.
        size: how many entries.
        root: over just these.
        signature: the EIP-712 one; empty of a note that the log's keys did not sign.
        leaf_hash: of the entry at the evidence's index.
        proof: of its inclusion, the lowest hash first.
    """

    note: str
    size: int
    root: str
    signature: Signature
    leaf_hash: str = ""
    proof: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two checkpoints that one log signed, and that cannot both be true.

    Attributes:
        kind: the finding's: fork or truncated.
        origin: the log's.
        key: the address whose signatures the anchor contract takes.
        earlier: what was kept.
        later: what is served now.
        index: the first entry that they have otherwise, if both trees have it and it can be
            shown in both: with equal sizes the signatures alone are enough.
    """

    kind: str
    origin: str
    key: Address
    earlier: Signed
    later: Signed
    index: int | None = None


@dataclass
class Report:
    """What was proved, and what was not.

    ``checked`` counts what was looked at; ``opened`` says of each negotiation how far it was
    read and by which right; ``evidence`` are checkpoints to be shown to others, the anchor
    contract among them. ``since`` counts the entries that an earlier audit has judged, and
    ``unanchored`` those above the last anchor, whose rewriting only who holds a receipt can
    detect; None where nobody asked for anchors.

    The rest is information, for it is the parties' right: ``unopened`` agreements,
    ``unlogged`` deals (two agents may have no registry),
    ``linked`` ones, by the negotiation whose parties and nonces they have although none of its
    logged offers is theirs: what was said last was not logged; ``superseded`` ones, opened
    from another signed offer than the logged agreement; and ``unproved`` ones, that were paid
    on a voucher or a settlement, whose signatures no event shows; ``confidential`` ones, whose
    terms nobody but the parties can read, so that no payment was judged. Of negotiations, and
    of words outside of any: ``unread`` ones, of which some body, or one that they hang on, was
    not shown, so that no rule was asked of them; ``sealed`` ones, whose offers only the parties
    can read; and ``unwitnessed`` ones, which were handed in after they were said, so that their
    times are the parties'. Of entries: those ``ahead`` tell of blocks that the node has not.
    """

    checked: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    opened: dict[Digest, Opened] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    unopened: list[Digest] = field(default_factory=list)
    unlogged: list[Digest] = field(default_factory=list)
    linked: dict[Digest, Digest] = field(default_factory=dict)
    superseded: list[Digest] = field(default_factory=list)
    unproved: list[Digest] = field(default_factory=list)
    confidential: list[Digest] = field(default_factory=list)
    unread: set[Digest] = field(default_factory=set)
    sealed: set[Digest] = field(default_factory=set)
    unwitnessed: set[Digest] = field(default_factory=set)
    ahead: list[int] = field(default_factory=list)
    since: int = 0
    unanchored: int | None = None

    @property
    def ok(self) -> bool:
        """Nothing was found against the log; see also ``complete``."""
        return not self.findings

    @property
    def complete(self) -> bool:
        """Every word was read, every deal is a logged agreement, paid on what events show."""
        deals = self.unlogged or self.linked or self.superseded or self.unproved
        words = self.unread or self.sealed or self.unwitnessed
        return not (deals or words or self.confidential or self.ahead)

    def found(self, kind: str, where: str, what: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, where, what))

    def has(self, kinds: Iterable[str]) -> bool:
        """Whether there is a finding of one of the kinds."""
        return not {finding.kind for finding in self.findings}.isdisjoint(kinds)

    def count(self, what: str, more: int = 1) -> None:
        """Add to what was checked."""
        self.checked[what] = self.checked.get(what, 0) + more

    def to_json(self) -> dict[str, object]:
        """The whole report with stable keys."""
        return {
            "ok": self.ok,
            "complete": self.complete,
            "checked": self.checked,
            "since": self.since,
            "unanchored": self.unanchored,
            "findings": [asdict(finding) for finding in self.findings],
            "evidence": [asdict(shown) for shown in self.evidence],
            "opened": {negotiation: asdict(how) for negotiation, how in self.opened.items()},
            "unopened": self.unopened,
            "unlogged": self.unlogged,
            "linked": self.linked,
            "superseded": self.superseded,
            "unproved": self.unproved,
            "confidential": self.confidential,
            "unread": sorted(self.unread),
            "sealed": sorted(self.sealed),
            "unwitnessed": sorted(self.unwitnessed),
            "ahead": self.ahead,
        }
