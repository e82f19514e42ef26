"""The ledger: what a signer has committed itself to, kept across restarts.

One line a fact, written and flushed to the disk before the signature exists: a crash
between the two counts an offer that was never made, never the other way round.
"""

import errno
import json
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from marketplace.core.errors import LedgerUnreadable
from marketplace.core.guardrails import Exposure

_WORD = 8  # the escrow's nonce bitmap holds 256 nonces a storage word


class Ledger:
    """Exposure and nonces of one signer; in memory only, where no path is given.

    Nonces start at a random storage word of the escrow's bitmap and go up: two ledgers of
    one key do not meet, and neighbours share the word, which makes all but the first cheap.
    """

    def __init__(self, path: Path | None = None) -> None:
        # Held from the decision to its record, so that two threads cannot both have the last of it.
        self.lock = threading.RLock()
        self._path = path
        self.exposure = Exposure()
        self._next_nonce = secrets.randbits(256 - _WORD) << _WORD
        if path is not None and path.exists():
            self._replay(path)

    def take_nonce(self) -> int:
        """A nonce that this ledger never gave before."""
        with self.lock:
            nonce = self._next_nonce
            self._write("nonce", nonce)
        return nonce

    def offered(self, nonce: int, amount: int, open_by: int) -> None:
        """An offer is about to be signed."""
        self._write("offered", nonce, amount, open_by)

    def opened(self, nonce: int, amount: int) -> None:
        """A deal was opened with this nonce."""
        self._write("opened", nonce, amount)

    def ended(self, nonce: int) -> None:
        """The nonce's deal has ended, or the nonce was cancelled on chain."""
        self._write("ended", nonce)

    def cancelled(self) -> None:
        """The epoch has moved: every nonce without an open deal is over."""
        for nonce in self.exposure.unopened():
            self.ended(nonce)

    def _write(self, fact: str, *values: int) -> None:
        with self.lock:
            if self._path is not None:
                _append(self._path, json.dumps([fact, *map(str, values)]) + "\n")
            self._apply(fact, *values)

    def _apply(self, fact: str, *values: int) -> None:
        facts: dict[str, Callable[..., Exposure]] = {
            "offered": self.exposure.offered,
            "opened": self.exposure.opened,
            "ended": self.exposure.ended,
        }
        if fact == "nonce":
            self._next_nonce = values[0] + 1
        else:
            self.exposure = facts[fact](*values)

    def _replay(self, path: Path) -> None:
        *lines, torn = path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, 1):
            try:
                fact, *values = json.loads(line)
                self._apply(fact, *(int(value) for value in values))
            except (ValueError, LookupError, TypeError):
                raise LedgerUnreadable(str(path), number) from None
        if torn:
            # By a crash before its flush returned, so nothing was signed after it.
            os.truncate(path, path.stat().st_size - len(torn))


def _append(path: Path, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size, data = os.fstat(descriptor).st_size, line.encode()
        if os.write(descriptor, data) < len(data):
            # The next fact must not be written on to the half of this one.
            os.ftruncate(descriptor, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
