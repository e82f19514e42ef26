"""The bus port: wakes readers when something was appended.

It carries no data: the durable log is the truth, a wake-up only says when to read it.
"""

from collections.abc import Iterable
from typing import Protocol


class Signal(Protocol):
    """The next wake-up."""

    async def wait(self, seconds: float) -> bool:
        """True once something was appended, False after the time has passed."""
        ...


class Bus(Protocol):
    """Where writers and readers meet.

    Attributes:
        alone: whether all writers are in this process.
    """

    alone: bool

    def publish(self, parties: Iterable[str]) -> None:
        """Wake the readers of these parties, and those of everything."""
        ...

    def signal(self, party: str = "") -> Signal:
        """The next wake-up about a party, or about anything.

        Take it before reading, or a write between is missed.
        """
        ...
