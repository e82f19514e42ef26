"""Compiled contracts as they are shipped, and whether code is theirs."""

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
        deployed_bytecode: runtime code with zeros for immutables.
        immutables: (start, length) of each immutable in the runtime code, in bytes.
    """

    abi: list[dict[str, Any]]
    bytecode: bytes
    deployed_bytecode: bytes
    immutables: tuple[tuple[int, int], ...]

    def matches(self, code: bytes) -> bool:
        """Whether runtime code is this contract's, whatever its immutables hold."""
        blank = bytearray(code)
        if len(blank) != len(self.deployed_bytecode):
            return False
        for start, length in self.immutables:
            blank[start : start + length] = bytes(length)
        return bytes(blank) == self.deployed_bytecode


@cache
def load(name: str) -> Artifact:
    """The shipped artifact of a contract, by its name."""
    resource = files("marketplace.adapters.evm") / "artifacts" / f"{name}.json"
    found = json.loads(resource.read_text())
    return Artifact(
        abi=found["abi"],
        bytecode=bytes.fromhex(found["bytecode"].removeprefix("0x")),
        deployed_bytecode=bytes.fromhex(found["deployed_bytecode"].removeprefix("0x")),
        immutables=tuple((at["start"], at["length"]) for at in found["immutable_references"]),
    )
