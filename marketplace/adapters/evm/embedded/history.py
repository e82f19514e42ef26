"""What was mined, found by number, by hash or by transaction.

Kept here and not read from py-evm's database, which searches and cannot forget: a revert takes
blocks away for good.
"""

import itertools
from dataclasses import dataclass

import rlp  # type: ignore[import-untyped]  # ships no types
from eth.abc import BlockAPI, BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI
from eth_utils.crypto import keccak


@dataclass(frozen=True, slots=True)
class Sent:
    """A mined transaction, what came of it, and the header of its block."""

    transaction: SignedTransactionAPI
    receipt: ReceiptAPI
    header: BlockHeaderAPI

    @property
    def created(self) -> bytes:
        """Address of the contract that the transaction created, empty if it called one."""
        tx = self.transaction
        return b"" if tx.to else keccak(rlp.encode([tx.sender, tx.nonce]))[-20:]


@dataclass(frozen=True, slots=True)
class Mined:
    """A block with the transaction in it, if any."""

    block: BlockAPI
    sent: Sent | None = None

    @property
    def header(self) -> BlockHeaderAPI:
        """The block's header, whose state root is the state after the block."""
        return self.block.header

    @property
    def size(self) -> int:
        """Bytes of the block in RLP."""
        return len(rlp.encode(self.block))


class History:
    """The blocks from genesis to head, and snapshots of how many there were."""

    def __init__(self, genesis: Mined) -> None:
        self._blocks = [genesis]
        self._by_hash: dict[bytes, Mined] = {genesis.header.hash: genesis}
        self._by_transaction: dict[bytes, Sent] = {}
        self._snapshots: dict[int, int] = {}
        self._snapshot_ids = itertools.count()

    @property
    def head(self) -> Mined:
        """The last block."""
        return self._blocks[-1]

    def block(self, number: int) -> Mined | None:
        """The block at a height from 0, None above the head."""
        return self._blocks[number] if number < len(self._blocks) else None

    def between(self, first: int, last: int) -> list[Mined]:
        """The blocks from height `first` to `last` inclusive, as far as they exist."""
        return self._blocks[first : last + 1]

    def by_hash(self, block_hash: bytes) -> Mined | None:
        """The block with this 32-byte hash."""
        return self._by_hash.get(block_hash)

    def sent(self, transaction_hash: bytes) -> Sent | None:
        """The mined transaction with this 32-byte hash."""
        return self._by_transaction.get(transaction_hash)

    def append(self, mined: Mined) -> None:
        """Make a child of the head the new head."""
        self._blocks.append(mined)
        self._by_hash[mined.header.hash] = mined
        if mined.sent is not None:
            self._by_transaction[mined.sent.transaction.hash] = mined.sent

    def snapshot(self) -> int:
        """Remember the head; returns the snapshot's number."""
        number = next(self._snapshot_ids)
        self._snapshots[number] = len(self._blocks)
        return number

    def revert(self, snapshot: int) -> bool:
        """Drop all blocks since a snapshot, which uses it and all later ones up.

        Returns:
            False if there is no such snapshot (any more); nothing has changed then.
        """
        kept = self._snapshots.get(snapshot)
        if kept is None:
            return False
        self._snapshots = {n: length for n, length in self._snapshots.items() if n < snapshot}
        for dropped in self._blocks[kept:]:
            del self._by_hash[dropped.header.hash]
            if dropped.sent is not None:
                del self._by_transaction[dropped.sent.transaction.hash]
        del self._blocks[kept:]
        return True
