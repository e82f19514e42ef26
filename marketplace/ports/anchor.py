"""The anchor port: the contract that keeps a log's last checkpoint."""

from dataclasses import dataclass

from marketplace.core.values import Digest


@dataclass(frozen=True, slots=True)
class Anchored:
    """A checkpoint that the contract took: where, and at the time of which block."""

    size: int
    root: bytes
    at: int
    block: int
    transaction: Digest


@dataclass(frozen=True, slots=True)
class AnchorFacts:
    """What the contract keeps of a log.

    Attributes:
        size: of the last checkpoint; 0: there is none.
        root: of the last checkpoint.
        bond: in the chain's smallest unit.
        notice_ends_at: when the bond may leave; 0: no notice was given.
        forked: whether the log's key was shown to contradict itself.
    """

    size: int
    root: bytes
    bond: int
    notice_ends_at: int
    forked: bool
