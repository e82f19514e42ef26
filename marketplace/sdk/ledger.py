"""The ledger: what a signer has committed itself to, kept across restarts.

One line a fact, written and flushed to the disk before the signature exists: a crash
between the two counts an offer that was never made, never the other way round. A file
has one ledger at a time: two would each spend the whole of what is allowed.

What the limits said of terms is a fact too, yes or no, and stands in one line with what it
commits to: neither is there without the other. The record of a decision has the exposure
on which it was taken; here that is what the lines before it say.
"""

import errno
import fcntl
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from marketplace.core.capacity import Asked, Capacity
from marketplace.core.decision import Answer, Decision, Question
from marketplace.core.errors import LedgerInUse, LedgerUnreadable
from marketplace.core.guardrails import Commitment, Exposure
from marketplace.core.values import ZERO_DIGEST, Digest, Json
from marketplace.sdk.decisions import DECIDED, commitment_of, decisions_told, facts_in

_WORD = 8  # the escrow's nonce bitmap holds 256 nonces a storage word


class Ledger:
    """Exposure, capacity, nonces and vouchers of one signer; in memory, where no path is given.

    Nonces start at a random storage word of the escrow's bitmap and go up: two ledgers of
    one key do not meet, and neighbours share the word, which makes all but the first cheap.
    """

    def __init__(self, path: Path | None = None, capacity: Capacity | None = None) -> None:
        # Held from the decision to its record, so that two threads cannot both have the last of it.
        self.lock = threading.RLock()
        self.exposure = Exposure()
        self.capacity = capacity or Capacity()
        # Talks whose lot was sold to another: to be told so. A restart finds them in its talks.
        self.stranded: list[Digest] = []
        self.vouchers: dict[Digest, int] = {}
        # In memory: the lines that a file would have.
        self._lines: list[bytes] = []
        self._together: list[list[Json]] | None = None
        self._last_decision = ZERO_DIGEST
        self._next_nonce = secrets.randbits(256 - _WORD) << _WORD
        self._facts: dict[str, Callable[..., None]] = {
            "nonce": self._took,
            DECIDED: self._decided,
            "offered": self._offered,
            "ended": self._ended,
            "voucher": self._vouched,
            "asked": self._asked,
            "sold": self._sold,
            "freed": self._freed,
            "over": self._over,
        }
        self._path = path
        self._file = _claim(path) if path is not None else None
        if path is not None:
            self._replay(path)
            self.stranded.clear()

    def close(self) -> None:
        """Let another client have the file; nothing can be written here any more."""
        if self._file is not None and self._file >= 0:
            os.close(self._file)
            self._file = -1

    def take_nonce(self) -> int:
        """A nonce that this ledger never gave before."""
        with self.lock:
            nonce = self._next_nonce
            self._write("nonce", nonce)
        return nonce

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside is one line, there as a whole or not at all.

        Nothing of it counts before its end; where it raises, nothing is written.
        """
        with self.lock:
            self._together = []
            try:
                yield
                facts = self._together
            finally:
                self._together = None
            self._put(facts, facts)

    def decided(self, question: Question, answer: Answer) -> Decision:
        """What the limits said of terms, before anything of it is signed or refused."""
        with self.lock:
            salt = "0x" + secrets.token_hex(32)
            made = Decision(question, answer, self._last_decision, salt)
            self._write(DECIDED, made.brief())
        return made

    def decisions(self, deal: Digest | None = None) -> list[Decision]:
        """Every decision on record, in order; of one deal, if it is named.

        Raises:
            DecisionsUnreadable: a line is not what was written.
        """
        with self.lock:
            lines = self._path.read_bytes().splitlines(keepends=True) if self._path else self._lines
        return list(decisions_told(lines, str(self._path or "memory"), deal))

    def offered(self, nonce: int, offer: Commitment) -> None:
        """An offer is about to be signed."""
        self._write("offered", nonce, offer.amount, offer.open_by, offer.epoch, *offer.deals)

    def ended(self, nonce: int) -> None:
        """The chain shows that the nonce can cost nothing any more."""
        self._write("ended", nonce)

    def vouched(self, deal: Digest, amount: int) -> None:
        """A voucher is about to be signed: ``amount`` in all, in base units."""
        self._write("voucher", deal, amount)

    def assign(self, talk: Digest, units: int) -> int:
        """The seller's nonce for a talk, which holds so many units from now on; Unservable."""
        with self.lock:
            fresh = self._next_nonce
            nonce, held = self.capacity.assign(talk, units, fresh)
            if nonce == fresh:
                self.take_nonce()
            # In memory: what nothing was signed for need not survive this process.
            self.capacity = self.capacity.held_for(nonce, talk, held)
        return nonce

    def asked(self, nonce: int, deal: Digest, asked: Asked) -> None:
        """An offer of the seller's units is about to be signed; raises Unservable."""
        with self.lock:
            held = self.capacity.holding(nonce, asked.units)
            self._write("asked", nonce, deal, asked.talk, asked.units, held)

    def sold(self, nonce: int, deal: Digest) -> None:
        """The chain shows that one of the nonce's offers is a funded deal."""
        self._write("sold", nonce, deal)

    def freed(self, nonce: int) -> None:
        """The chain shows that the nonce can sell nothing any more."""
        self._write("freed", nonce)

    def over(self, deal: Digest, *, back: bool) -> None:
        """The chain shows that a deal has ended: its units come back or do not."""
        self._write("over", deal, int(back))

    def _write(self, fact: str, *values: int | str | Mapping[str, Json]) -> None:
        told: list[Json] = [fact]
        told += [str(value) if isinstance(value, int) else value for value in values]
        with self.lock:
            if self._together is not None:
                self._together.append(told)
            else:
                self._put(told, [told])

    def _put(self, line: Json, facts: list[list[Json]]) -> None:
        told = json.dumps(line).encode() + b"\n"
        if self._file is not None:
            _append(self._file, told)
        else:
            self._lines.append(told)
        for fact in facts:
            self._apply(fact)

    def _apply(self, told: list[Json]) -> None:
        fact, *values = told
        self._facts[str(fact)](*values)

    def _took(self, nonce: str) -> None:
        self._next_nonce = int(nonce) + 1

    def _decided(self, told: Mapping[str, str]) -> None:
        self._last_decision = told["digest"]

    def _offered(self, *told: str) -> None:
        self.exposure = self.exposure.offered(*commitment_of(*told))

    def _ended(self, nonce: str) -> None:
        self.exposure = self.exposure.ended(int(nonce))

    def _vouched(self, deal: str, amount: str) -> None:
        self.vouchers[deal] = int(amount)

    def _asked(self, nonce: str, deal: str, talk: str, units: str, held: str) -> None:
        asked = Asked(talk, int(units))
        self.capacity = self.capacity.offered(int(nonce), deal, asked, int(held))

    def _sold(self, nonce: str, deal: str) -> None:
        self.stranded += self.capacity.stranded(int(nonce), deal)
        self.capacity = self.capacity.sold(int(nonce), deal)

    def _freed(self, nonce: str) -> None:
        self.capacity = self.capacity.freed(int(nonce))

    def _over(self, deal: str, back: str) -> None:
        self.capacity = self.capacity.over(deal, back=back == "1")

    def _replay(self, path: Path) -> None:
        *lines, torn = path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, 1):
            try:
                for fact in facts_in(json.loads(line)):
                    self._apply(fact)
            except (ValueError, LookupError, TypeError):
                self.close()
                raise LedgerUnreadable(str(path), number) from None
        if torn:
            # By a crash before its flush returned, so nothing was signed after it.
            os.truncate(path, path.stat().st_size - len(torn))


def _claim(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LedgerInUse(str(path), "another client") from None
    return descriptor


def _append(descriptor: int, data: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if os.write(descriptor, data) < len(data):
        # The next fact must not be written on to the half of this one.
        os.ftruncate(descriptor, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)
