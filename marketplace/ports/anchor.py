"""The anchor port: the contract that keeps a log's last checkpoint."""

from dataclasses import dataclass
from typing import Protocol

from marketplace.core.merkle import Proof
from marketplace.core.signature import Signature
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


class AnchorView(Protocol):
    """One log at the contract, as it is read; each raises ChainUnavailable."""

    def facts(self) -> AnchorFacts:
        """What is kept now."""
        ...

    def history(self) -> list[Anchored]:
        """Every checkpoint that was taken, in order."""
        ...


class Anchor(Protocol):
    """One log at the contract, as it is written."""

    def anchor(self, size: int, root: bytes, proof: Proof, signature: Signature) -> Digest:
        """Bring a larger checkpoint; returns the transaction once it is mined.

        Raises:
            CheckpointNotNewer, NotConsistent, LogForked, WrongSigner: the contract's refusal.
            ChainUnavailable: nobody has answered.
        """
        ...
