"""A careless or dishonest registry: any bytes as a log whose every hash is right.

Whom no hash betrays, signatures and replay must; each test logs what an honest registry
would have refused, next to the nearest thing that it would have taken.
"""

from collections.abc import Iterable, Sequence

from market import word

from marketplace.core.audit import ChainEvent, LoggedEntry, Report, audit
from marketplace.core.entry import split, timeout_leaf
from marketplace.core.merkle import leaf_hash, root_hash
from marketplace.core.message import Domains, Message

Parts = tuple[bytes, bytes]


def hashed(parts: Iterable[Parts]) -> tuple[list[LoggedEntry], str]:
    """Leaves and bodies as a log whose every index and every hash is right."""
    entries = [
        LoggedEntry(index, "0x" + leaf_hash(leaf).hex(), leaf, body)
        for index, (leaf, body) in enumerate(parts)
    ]
    return entries, "0x" + root_hash([leaf_hash(entry.data) for entry in entries]).hex()


def parts_of(entries: Sequence[LoggedEntry]) -> list[Parts]:
    """What ``hashed`` takes, of entries that were published."""
    return [(entry.data, entry.body) for entry in entries]


def logged(message: Message, at: int, said_at: int | None = None) -> Parts:
    """One entry, whatever it says."""
    return split(message.to_json(), at, word("salt of the entry"), said_at)


def noted(message: Message, deadline: int, at: int) -> Parts:
    """The note that the deadline of an invitation has passed."""
    return timeout_leaf(message.digest, deadline, at), b""


def withheld(parts: Parts) -> Parts:
    """The same entry without its body."""
    return parts[0], b""


def judged(domains: Domains, parts: Iterable[Parts], events: Sequence[ChainEvent] = ()) -> Report:
    """The audit of such a log."""
    return audit(*hashed(parts), events, domains)


def where(report: Report) -> set[str]:
    """Where something was found."""
    return {finding.where for finding in report.findings}


def what(report: Report) -> str:
    """Everything that was found, in one line."""
    return " | ".join(finding.what for finding in report.findings)
