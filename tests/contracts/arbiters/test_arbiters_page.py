"""docs/arbiters.md says what the arbiters have: the struct, the limits, the gas."""

import json
import re
from pathlib import Path

from marketplace.core.sealing import LARGEST_CHUNK, SMALLEST_CHUNK, Sealed

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/arbiters.md").read_text()
STEPS = json.loads((ROOT / "docs/benchmarks/gas.json").read_text())["steps"]


def test_the_struct_is_the_one_that_is_hashed():
    assert f"\n{Sealed.TYPE}\n" in PAGE


def test_the_gas_is_as_measured():
    measured = STEPS["exchange"] | {
        f"complain, {of}": gas for of, gas in STEPS["complaint"].items()
    }
    told = dict(re.findall(r"^\| ([\w, ]+) \| ([\d,]+) \| [^|]+ \|$", PAGE, flags=re.MULTILINE))
    assert {name: int(value.replace(",", "")) for name, value in told.items()} == measured


def test_the_limits_of_a_chunk_are_those_of_the_check():
    assert f"is {SMALLEST_CHUNK} bytes to {LARGEST_CHUNK // 1024} KiB" in PAGE


def test_every_contract_and_call_that_is_named_exists():
    sources = "\n".join(path.read_text() for path in (ROOT / "contracts").rglob("*.sol"))
    named = re.findall(r"`(?:Escrow|ExchangeArbiter)\.(\w+)`", PAGE)
    assert named
    assert [call for call in named if f"function {call}(" not in sources] == []
    contracts = {path.stem for path in (ROOT / "contracts/arbiters").glob("*Arbiter.sol")}
    assert contracts == set(re.findall(r"^\| `(\w+Arbiter)` \|", PAGE, flags=re.MULTILINE))
