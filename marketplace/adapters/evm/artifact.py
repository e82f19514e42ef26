"""Compiled contracts as they are shipped: ABI and creation code."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Artifact:
    """A compiled contract.

    Attributes:
        abi: the contract's JSON ABI.
        bytecode: creation code.
    """

    abi: list[dict[str, Any]]
    bytecode: bytes


@cache
def load(name: str) -> Artifact:
    """The shipped artifact of a contract, by its name."""
    resource = files("marketplace.adapters.evm") / "artifacts" / f"{name}.json"
    found = json.loads(resource.read_text())
    return Artifact(found["abi"], bytes.fromhex(found["bytecode"].removeprefix("0x")))
