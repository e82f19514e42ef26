"""The machine's own clock and randomness: the only place that reads them."""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

SECRET_BYTES = 32


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


def read_secret(path: Path) -> bytes:
    """32 random bytes from a file that only its owner reads; made where it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
    return bytes.fromhex(path.read_text().strip())
