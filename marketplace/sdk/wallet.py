"""Wallets: a key that signs, and never shows itself."""

import os
import secrets
from pathlib import Path
from typing import Any, Self

from eth_account import Account
from eth_account.datastructures import SignedTransaction

from marketplace.core.errors import KeyUnreadable
from marketplace.core.signature import Signature, address_of, sign
from marketplace.core.values import Address, Digest

_KEY_BYTES = 32


class _Key(bytes):
    """A key that a traceback with its locals, a debugger or a log does not spell out."""

    def __repr__(self) -> str:
        return "<key>"

    __str__ = __repr__


class Wallet:
    """A secp256k1 key. Another signer (hardware, remote) needs only these three members."""

    __slots__ = ("__key", "_address")

    def __init__(self, key: bytes) -> None:
        self.__key = _Key(key)
        self._address = address_of(self.__key)

    @classmethod
    def create(cls) -> Self:
        """A wallet with a new key from the operating system's randomness."""
        return cls(secrets.token_bytes(_KEY_BYTES))

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """A wallet from a file that holds the key in hex; raises KeyUnreadable."""
        try:
            key = _Key.fromhex(Path(path).read_text().strip().removeprefix("0x"))
            if len(key) == _KEY_BYTES:
                return cls(key)
        except (OSError, ValueError) as error:
            # Only the kind of error: its text could quote the key.
            raise KeyUnreadable(str(path), type(error).__name__) from None
        raise KeyUnreadable(str(path), f"{len(key)} bytes instead of {_KEY_BYTES}")

    def save(self, path: Path | str) -> None:
        """Write the key, readable by its owner alone; an existing file is never overwritten."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.__key.hex() + "\n")

    @property
    def address(self) -> Address:
        """The account."""
        return self._address

    def sign(self, digest: Digest) -> Signature:
        """Sign an EIP-712 digest."""
        return sign(digest, self.__key)

    def sign_transaction(self, transaction: dict[str, Any]) -> SignedTransaction:
        """Sign an EIP-1559 transaction."""
        signed: SignedTransaction = Account.sign_transaction(transaction, self.__key)
        return signed

    def __repr__(self) -> str:
        # A traceback may show a wallet whose key was refused before it had an address.
        return f"Wallet({getattr(self, '_address', 'no key')})"

    def __reduce__(self) -> str:
        raise TypeError("a wallet is not pickled: its key would leave the process")
