"""The foreign contracts' bytes are the ones whose origin is stated."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "foreign"
PARTS = [
    ("fiat_token", "signature_checker"),
    ("fiat_token", "fiat_token"),
    ("fiat_token", "proxy"),
]


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return document


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_bytes_have_the_digest_that_is_stated(name: str, part: str) -> None:
    code = read(name)[part]
    assert hashlib.sha256(code["text"].encode()).hexdigest() == code["sha256"]


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")), ids=lambda path: path.stem)
def test_every_foreign_part_states_its_source_and_a_permissive_licence(path: Path) -> None:
    document = read(path.stem)
    assert document["copyright"]
    for part in [document, *document["sources"]]:
        assert part["licence"] in {"MIT", "Apache-2.0"}
    assert all(source["integrity"].startswith("sha512-") for source in document["sources"])


def test_token_code_has_one_name_to_link() -> None:
    document = read("fiat_token")
    code = document["fiat_token"]["text"].replace(document["placeholder"], "")
    assert bytes.fromhex(code.removeprefix("0x"))
