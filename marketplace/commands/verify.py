"""``parley verify``: one deal's evidence, judged without a server of ours.

All that judges is ``core.evidence`` and what it imports; a node is read by ``plain``.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from marketplace.adapters.evm.factory import anchor_address, escrow_address
from marketplace.adapters.evm.plain import PlainChain
from marketplace.commands.plain import plain
from marketplace.core.decision import Decision
from marketplace.core.errors import BodyTooLarge, DecisionsUnreadable, ParleyError
from marketplace.core.evidence import verify as judge
from marketplace.core.exhibits import read_exhibits
from marketplace.core.values import Json, address, parse_json
from marketplace.core.verdict import Known, Told, Verdict

LARGEST_FILE = 64 * 1024 * 1024
REFUSED = 2


def main(words: Sequence[str]) -> None:
    """Run it as ``parley`` was called."""
    sys.exit(verify(words[1:]))


def verify(words: Sequence[str]) -> int:
    """Judge a file; the exit status: 0 all holds, 1 something does not, 2 nothing was judged."""
    asked = _parser().parse_args(words)
    try:
        verdict = _judged(asked.file, asked.rpc, asked.log_key, asked.decisions)
    except (ParleyError, OSError) as error:
        print(plain(f"refused {error}"), file=sys.stderr)  # noqa: T201 a command prints
        return REFUSED
    if asked.json:
        told = json.dumps({"ok": verdict.ok, **asdict(verdict)})
    else:
        told = "\n".join(_lines(verdict))
    print(told)  # noqa: T201 the same
    return 0 if verdict.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="parley verify",
        description="Check one deal's evidence; exit status 0 only if all holds that was asked.",
    )
    parser.add_argument("file", type=Path, help="what Client.evidence gathered, as JSON")
    parser.add_argument("--rpc", metavar="URL", help="of a node that you believe; else no chain")
    parser.add_argument("--log-key", metavar="ADDRESS", help="of the log, where you know it")
    parser.add_argument(
        "--decisions", metavar="FILE", type=Path, help="what its holder decided, a line each"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on one line instead")
    return parser


def _judged(file: Path, rpc: str | None, key: str | None, record: Path | None) -> Verdict:
    known = Known(escrow_address(), anchor_address(), address(key, "key") if key else None)
    given = parse_json(_read(file))
    decisions = _decisions(record) if record else []
    return judge(given, known, _told(given, known, rpc) if rpc else None, decisions)


def _read(file: Path) -> bytes:
    size = file.stat().st_size
    if size > LARGEST_FILE:
        raise BodyTooLarge(size, LARGEST_FILE)
    return file.read_bytes()


def _decisions(file: Path) -> list[Decision]:
    # Whole ones only: a ledger has other secrets, and is nothing to hand over.
    found = []
    for number, line in enumerate(_read(file).splitlines(), 1):
        try:
            found.append(Decision.from_json(parse_json(line)))
        except ParleyError as refused:
            raise DecisionsUnreadable(str(file), number, str(refused)) from None
    return found


def _told(given: Json, known: Known, rpc: str) -> Told | None:
    try:
        case = read_exhibits(given)
    except ParleyError:
        return None  # of what has no form nothing can be asked; the verdict says why
    return PlainChain(rpc).told(known.escrow, case.deal, case.log)


def _lines(verdict: Verdict) -> list[str]:
    counted = ", ".join(f"{count} {what}" for what, count in verdict.checked.items())
    ends = "OK: all holds that was asked" if verdict.ok else "NOT OK: see what does not hold"
    return [
        f"checked {counted or 'nothing'}",
        f"the deal is {verdict.state or 'unknown'}, as far as its events go",
        *(plain(f"not asked: {each}") for each in verdict.unchecked),
        *(plain(f"does not hold: {one.kind}, {one.where}: {one.what}") for one in verdict.findings),
        ends,
    ]
