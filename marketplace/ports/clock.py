"""The clock port."""

from typing import Protocol


class Clock(Protocol):
    """Where the present comes from."""

    def now(self) -> int:
        """Integer seconds UTC."""
        ...
