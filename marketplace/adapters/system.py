"""The machine's own clock and randomness: the only place that reads them."""

import secrets
import time


class SystemClock:
    """The wall clock."""

    def now(self) -> int:
        """Integer seconds UTC."""
        return int(time.time())  # noqa: TID251 this adapter is the one place


def random_bytes32() -> str:
    """256 random bits from the operating system, as a digest-shaped hex string."""
    return "0x" + secrets.token_hex(32)


def random_below(limit: int) -> int:
    """A random integer from 0 to below ``limit``."""
    return secrets.randbelow(limit)
