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
    if not path.exists():
        # Linked once it is whole: another worker that starts now reads all of it or makes none.
        whole = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
        with suppress(FileExistsError):
            os.link(whole, path)
        whole.unlink()
    return bytes.fromhex(path.read_text().strip())
