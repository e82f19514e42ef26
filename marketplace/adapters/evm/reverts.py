"""Reverts by name: the contracts' errors as the Python errors so named."""

from collections.abc import Callable
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from marketplace.adapters.evm.artifact import load
from marketplace.core.deal import DealState
from marketplace.core.errors import ParleyError, TransactionFailed
from marketplace.core.terms import Terms, rail_name
from marketplace.core.values import keccak

# Whose errors have names here; where both have one, it is the same one.
NAMING = "Escrow", "CheckpointAnchor"


def _state(number: int) -> str:
    return DealState(number).name


def _field(place: int) -> str:
    return Terms.FIELDS[place].wire


# Numbers of the contract that Python's errors tell by name, in the order of the arguments.
_NAMES: dict[str, tuple[Callable[[int], str], ...]] = {
    "FieldMissing": (rail_name, _field),
    "FieldUnsupported": (rail_name, _field),
    "WindowTooLong": (_field,),
    "WindowTooShort": (_field,),
    "WrongRail": (rail_name, rail_name),
    "WrongState": (_state, _state),
}


def named(operation: str, data: str | None, reason: str) -> ParleyError:
    """The error that revert data stands for; TransactionFailed where the contracts name none.

    Args:
        operation: what was tried, for the error.
        data: revert data in hex, if the node gave any.
        reason: the node's own words.
    """
    raw = bytes.fromhex((data or "0x")[2:])
    found = errors().get(raw[:4])
    if found is None:
        return TransactionFailed(operation, reason[:200])
    leaf, types = found
    try:
        values = [_plain(value) for value in decode(types, raw[4:])]
        for place, name in enumerate(_NAMES.get(leaf.__name__, ())):
            values[place] = name(values[place])
    except (DecodingError, ValueError, IndexError):
        # A token may revert with the escrow's selector and anything behind it.
        return TransactionFailed(operation, reason[:200])
    return leaf(*values)


@cache
def errors() -> dict[bytes, tuple[type[ParleyError], list[str]]]:
    """Selector to Python error and argument types, for every error of the contracts' ABIs."""
    leaves = ParleyError.leaves()
    table = {}
    for entry in [entry for name in NAMING for entry in load(name).abi]:
        if entry["type"] == "error" and entry["name"] in leaves:
            types = [argument["type"] for argument in entry["inputs"]]
            selector = keccak(f"{entry['name']}({','.join(types)})".encode())[:4]
            table[selector] = leaves[entry["name"]], types
    return table


def _plain(value: Any) -> Any:  # noqa: ANN401 eth_abi decodes to whatever the type says
    return "0x" + value.hex() if isinstance(value, bytes) else value
