"""The bus port: wakes readers when something was appended.

It carries no data: the durable log is the truth, a wake-up only says when to read it.
"""

from typing import Protocol


class Signal(Protocol):
    """The next wake-up."""

    async def wait(self, seconds: float) -> bool:
        """True once something was appended, False after the time has passed."""
        ...


class Bus(Protocol):
    """Where writers and readers meet."""

    def publish(self) -> None:
        """Wake every reader."""
        ...

    def signal(self) -> Signal:
        """Take the next wake-up. Take it before reading, or a write between is missed."""
        ...
