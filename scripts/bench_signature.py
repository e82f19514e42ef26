"""How long a signed offer takes to check, against eth-account, in one run.

``python scripts/bench_signature.py`` prints the ratio with its spread and writes
docs/benchmarks/signature.json. Both sides take the same terms and the same signature
from the golden vectors and end with the same address.
"""

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from eth_account import Account
from eth_account.messages import encode_typed_data

from marketplace.core.eip712 import Domain
from marketplace.core.signature import recover
from marketplace.core.terms import Terms

ROOT = Path(__file__).parent.parent
CHECKS = 300
PAIRS = 15


def main() -> int:
    """Measure in pairs, so that the machine's drift meets both sides alike."""
    document = json.loads((ROOT / "tests/vectors/terms.json").read_text())
    vector = document["vectors"][0]
    typed, signature = vector["typed_data"], vector["signature"]
    domain = Domain(typed["domain"]["chainId"], typed["domain"]["verifyingContract"])
    terms = Terms.from_message(typed["message"])

    def ours() -> str:
        return recover(terms.digest(domain), signature)

    def oracle() -> str:
        signable = encode_typed_data(full_message=typed)
        return str(Account.recover_message(signable, signature=signature)).lower()

    if ours() != oracle():
        print("the two sides disagree; nothing was measured", file=sys.stderr)
        return 1
    pairs = [(_micros(ours), _micros(oracle)) for _ in range(PAIRS)]
    ratios = sorted(theirs / mine for mine, theirs in pairs)
    figures = {
        "ours_us": round(statistics.median(mine for mine, _ in pairs), 1),
        "eth_account_us": round(statistics.median(theirs for _, theirs in pairs), 1),
        "speedup": round(statistics.median(ratios), 2),
        "speedup_min": round(ratios[0], 2),
        "speedup_max": round(ratios[-1], 2),
        "pairs": PAIRS,
        "checks_each": CHECKS,
        "python": platform.python_version(),
        "coincurve": version("coincurve"),
        "eth_account": version("eth-account"),
    }
    out = ROOT / "docs/benchmarks/signature.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures))
    return 0


def _micros(check: Callable[[], str]) -> float:
    began = time.perf_counter()
    for _ in range(CHECKS):
        check()
    return (time.perf_counter() - began) / CHECKS * 1e6


if __name__ == "__main__":
    sys.exit(main())
