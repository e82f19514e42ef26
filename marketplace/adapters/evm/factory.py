"""The deterministic deployer: one address for one piece of creation code.

The escrow has no constructor arguments, so its address is a function of its creation code
alone (EIP-1014), the same on every chain. Who knows the address knows code, constructor
and first storage: a contract elsewhere that merely runs the same code could have been made
by a constructor that approved a thief or wrote itself a balance.

The factory is the one that the field shares: its own deployment is a transaction whose
signature was chosen instead of made, so that nobody has its key and its address is the
same on every chain (https://github.com/Arachnid/deterministic-deployment-proxy).
"""

from functools import cache

from marketplace.adapters.evm.artifact import load
from marketplace.core.values import Address, keccak

FACTORY: Address = "0x4e59b44847b379578588920ca78fbf26c0b4956c"
# Who "sent" the factory's deployment, and what its gas costs at most, in wei.
FACTORY_SENDER: Address = "0x3fab184622dc19b6109349b94811493bf2a45362"
FACTORY_WEI = 10**16
FACTORY_TRANSACTION = bytes.fromhex(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe"
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
    "1ba02222222222222222222222222222222222222222222222222222222222222222"
    "a02222222222222222222222222222222222222222222222222222222222222222"
)
SALT = bytes(32)


@cache
def escrow_address() -> Address:
    """Where this version's escrow is, on every chain that has it."""
    return created_at(load("Escrow").bytecode)


@cache
def batch_address() -> Address:
    """Where the batch contract of this version's escrow is."""
    return created_at(batch_code())


@cache
def anchor_address() -> Address:
    """Where this version's anchor of checkpoints is, on every chain that has it."""
    return created_at(load("CheckpointAnchor").bytecode)


def batch_code() -> bytes:
    """The batch contract's creation code."""
    return _beside_escrow("Batch")


def exchange_arbiter_address() -> Address:
    """Where the fair exchange's arbiter of this version's escrow is."""
    return created_at(exchange_arbiter_code())


def exchange_arbiter_code() -> bytes:
    """The exchange arbiter's creation code."""
    return _beside_escrow("ExchangeArbiter")


def _beside_escrow(name: str) -> bytes:
    """Creation code whose one argument, the escrow, is part of it, and so of its address."""
    return load(name).bytecode + bytes.fromhex(escrow_address()[2:]).rjust(32, b"\0")


def created_at(creation_code: bytes) -> Address:
    """The address that the factory gives to creation code (EIP-1014)."""
    factory = bytes.fromhex(FACTORY[2:])
    return "0x" + keccak(b"\xff" + factory + SALT + keccak(creation_code))[12:].hex()
