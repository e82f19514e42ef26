"""JSON parameters to values; what does not fit is -32602, explained.

Source: execution-apis (quantities and data), EIP-1898 (a block named by an object).
"""

from typing import NoReturn

from eth_typing import Address

from marketplace.adapters.evm.embedded.chain import BLOCK_GAS_LIMIT, Call, Chain
from marketplace.adapters.evm.embedded.history import Mined
from marketplace.adapters.evm.embedded.jsonrpc import INVALID_PARAMS, Json, RpcError

_WORD = 2**256
_NEVER = 2**64
_HEX = frozenset("0123456789abcdefABCDEF")
_HEAD = frozenset({"latest", "safe", "finalized"})


def refuse(expected: str, got: Json) -> NoReturn:
    """Raise -32602 that names what was expected and what came, cut short."""
    # No repr of a container: it takes quadratic time on deeply nested ones.
    shown = type(got).__name__ if isinstance(got, list | dict) else repr(got)[:80]
    raise RpcError(INVALID_PARAMS, f"expected {expected}, got {shown}")


def quantity(value: Json) -> int:
    """A 0x-prefixed hex number below 2**256; time travel's plain JSON integers pass as well."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _WORD:
        return value
    digits = _digits(value)
    if not digits or len(digits) > 64:  # noqa: PLR2004 -- 64 hex digits are 256 bits
        refuse("a hex quantity of at most 256 bits", value)
    return int(digits, 16)


def seconds(value: Json) -> int:
    """A timestamp or a span; below 2**64, as a later one would leave no block to mine."""
    number = quantity(value)
    if number >= _NEVER:
        refuse("seconds below 2**64", value)
    return number


def data(value: Json, size: int | None = None) -> bytes:
    """0x-prefixed bytes, of exactly `size` bytes where given."""
    digits = _digits(value)
    if digits is None or len(digits) % 2 or (size is not None and len(digits) != 2 * size):
        refuse("0x-prefixed hex bytes" if size is None else f"0x and {size} bytes in hex", value)
    return bytes.fromhex(digits)


def address(value: Json) -> Address:
    """A 20-byte address in any case; checksums are the client's business."""
    return Address(data(value, 20))


def fields(value: Json) -> dict[str, Json]:
    """An object without its null members, which mean the same as absent ones."""
    if not isinstance(value, dict):
        refuse("an object", value)
    return {name: member for name, member in value.items() if member is not None}


def block(chain: Chain, value: Json) -> Mined | None:
    """The block that a tag, a number or an EIP-1898 object names; None where there is none."""
    match value:
        case "pending":
            return chain.pending()
        case "earliest":
            return chain.history.block(0)
        case str() if value in _HEAD:
            return chain.history.head
        case {"blockHash": block_hash}:
            return chain.history.by_hash(data(block_hash, 32))
        case {"blockNumber": number}:
            return chain.history.block(quantity(number))
        case _:
            return chain.history.block(quantity(value))


def known_block(chain: Chain, value: Json) -> Mined:
    """The same, for methods that cannot answer null."""
    found = block(chain, value)
    if found is None:
        refuse(f"a block up to the head at {chain.history.head.block.number}", value)
    return found


def call(value: Json) -> Call:
    """The transaction object of eth_call and eth_estimateGas; fees in it are ignored."""
    given = fields(value)
    return Call(
        sender=address(given.get("from", "0x" + "00" * 20)),
        to=address(given["to"]) if "to" in given else Address(b""),
        value=quantity(given.get("value", "0x0")),
        data=data(given.get("input", given.get("data", "0x"))),
        gas=min(quantity(given.get("gas", BLOCK_GAS_LIMIT)), BLOCK_GAS_LIMIT),
    )


def _digits(value: Json) -> str | None:
    if (
        not isinstance(value, str)
        or value[:2] not in {"0x", "0X"}
        or not _HEX.issuperset(value[2:])
    ):
        return None
    return value[2:]
