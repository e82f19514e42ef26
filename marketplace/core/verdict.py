"""Verdicts: what a judged file has proved and not, and what they rest on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from marketplace.core.errors import ParleyError
from marketplace.core.exhibits import Anchor, Event
from marketplace.core.report import Finding
from marketplace.core.values import Address


@dataclass
class Verdict:
    """What was proved, what does not hold, and what nobody asked.

    Attributes:
        checked: how many of what.
        findings: each with its place in the file as ``where``, and as its kind format, entry,
            log, talk, agreement, receipt, anchor, event, chain or decision.
        unchecked: what was not, and why.
        state: the deal's, as far as its events go.
    """

    checked: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    state: str = ""

    @property
    def ok(self) -> bool:
        """Nothing was found; see also ``unchecked``."""
        return not self.findings

    def found(self, kind: str, where: str, what: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, where, what))

    def count(self, what: str) -> None:
        """One more that was checked."""
        self.checked[what] = self.checked.get(what, 0) + 1

    @contextmanager
    def proving(self, kind: str, where: str, counted: str = "") -> Iterator[list[ParleyError]]:
        """What the block refuses is a finding, and in the list; what it does not is counted."""
        refused: list[ParleyError] = []
        try:
            yield refused
        except ParleyError as error:
            refused.append(error)
            self.found(kind, where, str(error))
        else:
            if counted:
                self.count(counted)


@dataclass(frozen=True, slots=True)
class Known:
    """What the verifier knows without the file.

    Attributes:
        escrow: the address that this version's escrow has on every chain.
        anchor: the same of the contract that anchors checkpoints.
        key: the log's, where the verifier has it from elsewhere.
    """

    escrow: Address
    anchor: Address
    key: Address | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a node said that the verifier chose.

    Attributes:
        chain_id: its chain.
        escrow: whether that has the escrow.
        events: all of the deal, in order.
        anchors: all of the log, in order.
    """

    chain_id: int
    escrow: bool
    events: Sequence[Event] = ()
    anchors: Sequence[Anchor] = ()
