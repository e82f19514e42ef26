"""The verifier of evidence is small: what it imports, and what a stranger has to read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from dossier import dossier

ROOT = Path(__file__).parents[2]
# Frameworks and stores; a verifier that needed one could not be read in a sitting.
HEAVY = {
    *("fastapi", "starlette", "pydantic", "web3", "eth_account", "requests", "httpx", "typer"),
    *("rich", "sqlite3", "asyncpg", "uvicorn", "asyncio", "wasmtime"),
}
# Beside the standard library: curves, hashes, canonical JSON.
LIBRARIES = {"cffi", "coincurve", "cryptography", "msgspec", "rfc8785", "sha3", "_cffi_backend"}
# The rules, of decisions too, the file's form, the verdict, the chain's word, the command.
OWN = (
    "marketplace/core/evidence.py",
    "marketplace/core/decided.py",
    "marketplace/core/exhibits.py",
    "marketplace/core/verdict.py",
    "marketplace/adapters/evm/plain.py",
    "marketplace/commands/verify.py",
)
MOST_LINES_OF_ITS_OWN = 1_200
MOST_LINES_WITH_THE_MACHINES = 8_600

ASK = """
import contextlib, io, sys
before = set(sys.modules)
sys.argv = ["parley", "verify", sys.argv[1]]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    from marketplace.cli import main
    main()
print("\\n".join(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What is imported to verify a file."""
    path = tmp_path_factory.mktemp("verifier") / "evidence.json"
    path.write_text(json.dumps(dossier().file()))
    words = [sys.executable, "-c", ASK, str(path)]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    found = set(ended.stdout.splitlines())
    assert {"marketplace.core.evidence", "marketplace.adapters.evm.plain"} <= found
    return found


def lines_of(paths: set[str]) -> int:
    return sum(len((ROOT / path).read_text().splitlines()) for path in paths)


def test_verifier_imports_no_framework_no_store_and_no_web3(modules: set[str]):
    assert {name.split(".")[0] for name in modules} & HEAVY == set()


def test_verifier_imports_of_this_project_core_a_reader_of_chains_and_its_command(
    modules: set[str],
):
    own = {name for name in modules if name.startswith("marketplace.")}
    outside = {name for name in own if not name.startswith("marketplace.core")}
    assert outside == {
        "marketplace.adapters",
        "marketplace.adapters.evm",
        "marketplace.adapters.evm.artifact",
        "marketplace.adapters.evm.factory",
        "marketplace.adapters.evm.plain",
        "marketplace.cli",
        "marketplace.commands",
        "marketplace.commands.plain",
        "marketplace.commands.verify",
    }


def test_verifier_needs_a_handful_of_libraries(modules: set[str]):
    known = {*sys.stdlib_module_names, "marketplace", "typing_extensions"}
    others = {name.split(".")[0] for name in modules} - known
    assert {name for name in others if not name.startswith("_")} <= LIBRARIES


def test_verifier_is_read_in_a_sitting(modules: set[str]):
    assert lines_of(set(OWN)) <= MOST_LINES_OF_ITS_OWN
    paths = {name.replace(".", "/") + ".py" for name in modules if name.startswith("marketplace.")}
    files = {path for path in paths if (ROOT / path).is_file()}
    assert set(OWN) <= files
    assert lines_of(files) <= MOST_LINES_WITH_THE_MACHINES
