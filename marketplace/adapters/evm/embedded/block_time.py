"""Which timestamp the next block carries, by Anvil's rules.

Rules:
    1. A block's time is the wall clock plus an offset, in integer seconds UTC.
    2. `evm_increaseTime` adds to the offset for good.
    3. `evm_setNextBlockTimestamp` fixes one block; the offset then follows from it.
    4. Time never runs backwards; blocks mined within one second share it.
    5. After `evm_revert` time goes on from the block reverted to.
"""

from collections.abc import Callable


class BlockTime:
    """The chain's clock: wall clock, offset, and perhaps one fixed timestamp."""

    def __init__(self, wall_clock: Callable[[], int]) -> None:
        self._wall_clock = wall_clock
        self._offset = 0
        self._fixed: int | None = None

    def next_after(self, last: int) -> int:
        """Timestamp of a block mined now on a parent with timestamp `last`."""
        wanted = self._wall_clock() + self._offset if self._fixed is None else self._fixed
        return max(wanted, last)

    def increase(self, seconds: int) -> int:
        """Move all later blocks by `seconds`; returns the offset from the wall clock."""
        self._offset += seconds
        return self._offset

    def fix_next(self, timestamp: int) -> None:
        """Give the next block exactly `timestamp`."""
        self._fixed = timestamp

    def mined(self, timestamp: int) -> None:
        """Take note of a block, so that a fixed timestamp is used once."""
        if self._fixed is not None:
            self.resume_at(timestamp)

    def resume_at(self, timestamp: int) -> None:
        """Let the chain's time be `timestamp` at this moment, and run from there."""
        self._fixed = None
        self._offset = timestamp - self._wall_clock()
