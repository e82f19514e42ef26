"""The journal port: what must not be done twice, and single-use words.

Only writes are journalled, and only for a time: ``sweep`` forgets what has expired.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """A write that its caller named.

    Attributes:
        caller: whose name it is; one caller's keys are nothing to another's.
        key: the caller's Idempotency-Key.
        body_digest: SHA-256 of method, path and body, in hex.
        lease_until: until when whoever begins it may take.
        expires_at: from when on it is forgotten.
    """

    caller: str
    key: str
    body_digest: str
    lease_until: int
    expires_at: int


class Standing(Enum):
    """What became of a request with this name."""

    BEGUN = "begun"  # it is the caller's to do: new, or its lease was over
    DONE = "done"
    CHANGED = "changed"  # the same name on another body
    IN_PROGRESS = "in progress"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with."""

    status: int
    media_type: str
    body: bytes


class Journal(Protocol):
    """Where named requests and single-use words are kept."""

    async def begin(self, request: Request, now: int) -> tuple[Standing, Answer | None]:
        """Take the request, or say what became of it; an answer comes with DONE alone.

        A request whose ``lease_until`` has passed without an answer may be taken again.
        """
        ...

    async def finish(self, request: Request, answer: Answer | None) -> None:
        """Keep the answer; None lets the request go, so that it can be begun anew."""
        ...

    async def burn(self, word: str, expires_at: int) -> bool:
        """Use a word up; False where it was used before. It is remembered until it expires."""
        ...

    async def sweep(self, now: int) -> int:
        """Forget what has expired; returns how many."""
        ...
