"""How long an audit takes, and how much of it is not signatures.

``python scripts/bench_audit.py`` makes logs of 10^3 to 10^6 entries and audits each in a
process of its own: from tiles on disk, each proved by the root, with every body and with
none. It writes docs/benchmarks/audit.json. Processor time is that of all threads; what
passes while signatures are proved is told apart. Neither HTTP nor a chain is in it.
``--quick`` does the smallest alone and writes nothing.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.traffic import Laid, lay

from marketplace.core.audit import Auditor, LoggedEntry, OnChain
from marketplace.core.checkpoint import Checkpoint
from marketplace.core.eip712 import Domain
from marketplace.core.errors import SignatureRefused
from marketplace.core.message import Domains
from marketplace.core.signature import Claim
from marketplace.core.tiles import WIDTH
from marketplace.sdk.auditing import feed, in_parallel
from marketplace.sdk.downloading import Bundle, Tiles
from marketplace.sdk.tiles import TileReader

ROOT = Path(__file__).parent.parent
WRITTEN = ROOT / "docs/benchmarks/audit.json"
GAS = ROOT / "docs/benchmarks/gas.json"
DOMAIN = Domain(31337, "0x" + "e5" * 20)
SIZES = (1_000, 10_000, 100_000, 1_000_000)
WHOLE, LEAVES = "whole", "leaves"


def main() -> int:
    """Measure and write; the exit status is 0 where every audit found nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest alone; write nothing")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="entries, at most")
    parser.add_argument("--one", nargs=4, help="audit what is laid: directory, size, root, what")
    asked = parser.parse_args()
    if asked.one:
        directory, size, root, what = asked.one
        laid = Laid(Path(directory), Checkpoint("bench", int(size), bytes.fromhex(root)))
        print(json.dumps(audited(laid, bodies=what == WHOLE)))
        return 0
    largest = SIZES[0] if asked.quick else asked.largest
    for figures in measured([size for size in SIZES if size <= largest]):
        # After each size, for the largest takes long.
        print(json.dumps(figures, indent=2), flush=True)
        if not asked.quick:
            WRITTEN.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measured(sizes: Sequence[int]) -> Iterator[dict[str, object]]:
    """All figures so far, by the names of docs/benchmarks.md."""
    found: dict[str, list[object]] = {WHOLE: [], LEAVES: []}
    gas = json.loads(GAS.read_text())
    anchors = {name: value for name, value in gas.items() if name.startswith("anchor")}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="parley-bench-") as directory:
            laid = lay(DOMAIN, size, Path(directory))
            root = laid.checkpoint.root.hex()
            for what, rows in found.items():
                command = [sys.executable, __file__, "--one", directory, str(size), root, what]
                told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                rows.append(json.loads(told))
        yield {**found, "anchor_gas": anchors, "python": platform.python_version()}


@dataclass
class Timed:
    """Proves signatures, and counts the processor time of that."""

    pool: ThreadPoolExecutor
    seconds: float = 0.0

    def judge(self, claims: Sequence[Claim]) -> Mapping[int, SignatureRefused]:
        """As an audit does it."""
        began = time.process_time()
        found = in_parallel(self.pool)(claims)
        self.seconds += time.process_time() - began
        return found


def audited(laid: Laid, *, bodies: bool) -> dict[str, float]:
    """One audit; raises unless all was right."""
    wall, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor() as pool, ThreadPoolExecutor(1) as reading:
        timed = Timed(pool)
        auditor = Auditor(Domains((DOMAIN,)), OnChain(), None, timed.judge)
        tiles = Tiles(TileReader(laid.fetch), laid.checkpoint, None, auditor.report)
        read = (entries(bundle, laid, bodies=bodies) for bundle in tiles.bundles(reading))
        for _ in feed(auditor, read):
            pass
        report = auditor.finish("0x" + laid.checkpoint.root.hex())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if not report.ok or bool(report.unread) == bodies:
        raise RuntimeError(f"{report.findings[:3]}, {len(report.unread)} unread")
    return {
        "entries": laid.checkpoint.size,
        "signatures": report.checked["signatures"],
        "negotiations": len(report.opened),
        "cpu_s": round(cpu - timed.seconds, 3),
        "signature_s": round(timed.seconds, 3),
        "wall_s": round(wall, 3),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def entries(bundle: Bundle, laid: Laid, *, bodies: bool) -> list[LoggedEntry]:
    """A bundle's entries, with the bodies that a page would show."""
    shown = laid.bodies(bundle.start // WIDTH) if bodies else [b""] * len(bundle.leaves)
    return [
        LoggedEntry(bundle.start + place, "0x" + stated.hex(), leaf, body)
        for place, (leaf, stated, body) in enumerate(
            zip(bundle.leaves, bundle.stated, shown, strict=True)
        )
    ]


if __name__ == "__main__":
    sys.exit(main())
