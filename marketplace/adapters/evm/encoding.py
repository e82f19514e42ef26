"""What the escrow's functions take, as the ABI takes it."""

from collections.abc import Callable
from dataclasses import fields

from eth_utils.address import to_checksum_address

from marketplace.core.consent import Own
from marketplace.core.deal import Operation
from marketplace.core.signature import Signature
from marketplace.core.terms import Credits, Terms
from marketplace.ports.chain import Move, Opening, Series

_ADDRESS_BYTES = 20


def struct_tuple(struct: Terms | Credits | Own) -> tuple[object, ...]:
    """A flat struct's members in their order."""
    return tuple(_abi_value(getattr(struct, field.name)) for field in fields(struct))


def opening_tuple(opening: Opening) -> tuple[object, ...]:
    """``Types.Opening``."""
    agreement = opening.agreement
    return (
        struct_tuple(agreement.terms),
        raw(agreement.buyer_signature),
        raw(agreement.seller_signature),
        opening.buyer_funding,
        opening.seller_funding,
    )


def series_tuple(series: Series) -> tuple[object, object]:
    """The two arguments that name the deals of a series."""
    return struct_tuple(series.terms), [struct_tuple(own) for own in series.owns]


def raw(signature: Signature) -> bytes:
    """The bytes of a signature in hex; none of an empty one."""
    return bytes.fromhex(signature.removeprefix("0x"))


def arguments(move: Move) -> tuple[object, ...]:
    """What the call takes after the terms."""
    return _ARGUMENTS[move.operation](move)


def _nothing(_: Move) -> tuple[object, ...]:
    return ()


def _voucher(move: Move) -> tuple[object, ...]:
    return move.amount, raw(move.signatures[0] if move.signatures else "")


_ARGUMENTS: dict[Operation, Callable[[Move], tuple[object, ...]]] = {
    Operation.DELIVER: lambda move: (raw(move.digest), move.amount),
    Operation.RELEASE: lambda move: (move.amount,),
    Operation.REDEEM: _voucher,
    Operation.CLAIM: _nothing,
    Operation.REFUND: _nothing,
    Operation.DISPUTE: lambda move: (raw(move.digest),),
    Operation.RESOLVE: lambda move: (move.amount, move.bond_to_seller),
    Operation.EXPIRE: _nothing,
    Operation.SETTLE: lambda move: (
        move.amount,
        move.bond_to_seller,
        move.valid_before,
        *(raw(signature) for signature in move.signatures),
    ),
    Operation.NOTICE: _nothing,
    Operation.CLOSE: _voucher,
}


def _abi_value(value: str | int) -> object:
    if isinstance(value, int):
        return value
    data = bytes.fromhex(value[2:])
    return to_checksum_address(value) if len(data) == _ADDRESS_BYTES else data
