"""Fuzz all that reads from the wire, guided by what the bytes reach."""

import argparse
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from random import Random

import atheris

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

# So often a member is changed instead of a byte.
SENSIBLE = 0.5

with atheris.instrument_imports(include=["marketplace.core"]):
    import wire_fuzz


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Now the bytes, now what they mean."""
    random = Random(seed)  # noqa: S311 repeatable, not secret
    if random.random() < SENSIBLE:
        # Bytes that nest too deeply to be read here stay bytes.
        with suppress(RecursionError):
            changed = wire_fuzz.mutated(data, random)
            if changed != data and len(changed) <= most:
                return changed
    changed = atheris.Mutate(data, most)
    return bytes(changed)


def main() -> None:
    """Run libFuzzer over the honest specimens; it ends the process itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what was found")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(wire_fuzz.corpus()):
            Path(folder, f"honest-{number}").write_bytes(data)
        kept = [str(asked.corpus)] if asked.corpus else []
        limits = [f"-runs={asked.runs}", f"-seed={asked.seed}", "-max_len=8192", "-timeout=10"]
        told = [sys.argv[0], *limits, *kept, folder]
        atheris.Setup(told, wire_fuzz.parse, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
