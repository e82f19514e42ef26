"""Decisions as they are kept: in a ledger, or each whole in its line.

A ledger keeps a decision without its exposure, which follows from the lines before it. What
is handed to others is whole: a line of JSON for each decision, of those that they may see.
Both are read here, a ledger also while its client runs.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from marketplace.core.decision import Decision
from marketplace.core.errors import DecisionsUnreadable, ParleyError, ValueMalformed
from marketplace.core.guardrails import Commitment, Exposure
from marketplace.core.values import Digest, Json, mapping, parse_json

DECIDED = "decided"
Fact = list[Json]
# More than a decision on ten thousand commitments takes; what is longer is not read on.
LONGEST_LINE = 1 << 22


def facts_in(told: Json) -> list[Fact]:
    """The facts that one line of a ledger has, together or alone; raises where it has none."""
    if not isinstance(told, list):
        raise TypeError(type(told))
    return told if isinstance(told[0], list) else [told]


def read_decisions(path: Path) -> Iterator[Decision]:
    """What a file says was decided, in order: a ledger, or whole decisions.

    Raises:
        DecisionsUnreadable: a line is neither, or is not what was written.
    """
    with path.open("rb") as file:
        # Of a ledger whose client runs the last line may be half there.
        lines = iter(lambda: file.readline(LONGEST_LINE + 1), b"")
        yield from decisions_told(lines, str(path))


def decisions_told(
    lines: Iterable[bytes], source: str, deal: Digest | None = None
) -> Iterator[Decision]:
    """The decisions in a ledger's lines, or in lines that have each one whole.

    Args:
        lines: in order.
        source: their name, for errors.
        deal: only those on one deal.
    """
    exposure = Exposure()
    for number, line in enumerate(lines, 1):
        if line.startswith(b"[") and not line.endswith(b"\n"):
            return  # torn by a crash, or not yet written: nothing was signed after it
        try:
            told = _parsed(line)
            if isinstance(told, Mapping):
                yield from _wanted(told, deal, None)
                continue
            for fact in facts_in(told):
                if fact[0] == DECIDED:
                    yield from _wanted(fact[1], deal, exposure)
                exposure = _after(exposure, *fact)
        except ParleyError as refused:
            raise DecisionsUnreadable(source, number, str(refused)) from None
        except (ValueError, LookupError, TypeError) as error:
            raise DecisionsUnreadable(source, number, type(error).__name__) from None


def commitment_of(*told: Json) -> tuple[int, Commitment]:
    """A nonce and what it commits to, as an "offered" fact says it."""
    nonce, amount, open_by, epoch, *deals = map(str, told)
    return int(nonce), Commitment(int(amount), int(open_by), int(epoch), tuple(deals))


def _parsed(line: bytes) -> Json:
    if len(line) > LONGEST_LINE:
        raise ValueMalformed("line", f"{len(line)} bytes", f"at most {LONGEST_LINE}")
    return parse_json(line.rstrip(b"\n"))


def _wanted(told: Json, deal: Digest | None, exposure: Exposure | None) -> Iterator[Decision]:
    record = mapping(told, DECIDED)
    if deal in (None, record.get("deal")):
        yield Decision.from_json(record, exposure)


def _after(exposure: Exposure, fact: Json, *told: Json) -> Exposure:
    match fact:
        case "offered":
            return exposure.offered(*commitment_of(*told))
        case "ended":
            return exposure.ended(int(str(told[0])))
    return exposure
