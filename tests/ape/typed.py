"""What is signed, encoded by eth-account: it shares no line with Parley's own encoder.

The structs are written down here but for Terms, whose members are those of the contract's ABI.
"""

from collections.abc import Sequence
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils import keccak

STRUCTS = {
    "Voucher": (("deal", "bytes32"), ("amount", "uint104")),
    "Settlement": (
        ("deal", "bytes32"),
        ("charge", "uint104"),
        ("bondToSeller", "uint104"),
        ("validBefore", "uint40"),
    ),
    "Bulk": (("root", "bytes32"),),
    "Credits": (("token", "address"), ("multi", "bool"), ("id", "uint256"), ("amount", "uint256")),
}

Struct = dict[str, Any]
Members = Sequence[tuple[str, str]]


def signable(domain: Struct, name: str, message: Struct, members: Members = ()) -> SignableMessage:
    """A struct as EIP-712 typed data; its members are those of STRUCTS where none are given."""
    types = [{"name": each, "type": kind} for each, kind in members or STRUCTS[name]]
    return encode_typed_data(domain, {name: types}, message)


def digest(message: SignableMessage) -> bytes:
    """What is signed: keccak256(0x1901 ‖ domain separator ‖ struct hash)."""
    return keccak(b"\x19" + message.version + message.header + message.body)


def sign(key: str, message: SignableMessage) -> bytes:
    """65 bytes r, s, v."""
    return bytes(Account.sign_message(message, key).signature)
