"""The figures that the documents tell are the measured ones."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIGURES = json.loads((ROOT / "docs/benchmarks/gas.json").read_text())
KEYS = {key for key, value in FIGURES.items() if isinstance(value, int)}


def gas(name: str) -> str:
    return (ROOT / "docs" / name).read_text().split("\n## Gas\n")[1].split("\n## ", maxsplit=1)[0]


def test_each_figure_is_the_measured_one_in_thousands() -> None:
    told = re.findall(r"^\| `(\w+)` \| [^|]+ \| (\d+) \|", gas("benchmarks.md"), re.MULTILINE)
    assert told
    assert {key: int(k) for key, k in told} == {key: round(FIGURES[key] / 1000) for key, _ in told}


def test_the_contract_s_page_has_every_key_that_is_measured_and_no_other() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", gas("contracts.md"), re.MULTILINE)) == KEYS


def test_the_kills_that_are_told_are_those_of_the_last_long_runs() -> None:
    kept = json.loads((ROOT / "docs/benchmarks/crash.json").read_text())
    page = (ROOT / "docs/benchmarks.md").read_text().split("\n## Kills\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+`) \| ([\d,]+) \| ([\d,]+) \|", page, re.MULTILINE)
    assert rows
    for names, *told in rows:
        for name in re.findall(r"`(\w+)`", names):
            measured = [f"{kept[database][name]:,}" for database in ("sqlite", "postgresql")]
            assert told == measured, name


def test_the_registry_s_figures_that_are_told_are_those_of_the_last_run() -> None:
    kept = json.loads((ROOT / "docs/benchmarks/registry.json").read_text())
    page = (
        (ROOT / "docs/benchmarks.md").read_text().split("\n## The registry\n")[1].split("\n## ")[0]
    )
    for name in ("sqlite_ratio", "postgres2_ratio", "cpu_ratio"):
        told = "{median} ({min} to {max})".format(**kept[name])
        assert re.search(rf"^\| `{name}`[^|]*\| {re.escape(told)} \|", page, re.MULTILINE), name
    growth = re.findall(r"^\| 10\^(\d) \| ([\d,]+) \| \d+, \d+ \| (\d+) \|", page, re.MULTILINE)
    measured = [
        (
            str(len(str(each["events"])) - 1),
            f"{each['offers_per_second']:,.0f}",
            f"{each['memory_mb']:.0f}",
        )
        for each in kept["growth"]
    ]
    assert growth == measured


def test_the_audit_s_figures_that_are_told_are_those_of_the_last_run() -> None:
    kept = json.loads((ROOT / "docs/benchmarks/audit.json").read_text())
    page = (ROOT / "docs/benchmarks.md").read_text().split("\n## The audit\n")[1].split("\n## ")[0]
    told = [
        line.strip("| ").split(" | ")
        for line in page.splitlines()
        if re.match(r"^\| 10\^\d \|", line)
    ]
    names = ("cpu_s", "signature_s", "wall_s", "memory_mb")
    measured = [
        [f"10^{len(str(whole['entries'])) - 1}"]
        + [str(each[name]) for each in (whole, leaves) for name in names]
        for whole, leaves in zip(kept["whole"], kept["leaves"], strict=True)
    ]
    assert told == measured
    anchors = {name: value for name, value in FIGURES.items() if name.startswith("anchor")}
    assert kept["anchor_gas"] == anchors
