"""The chain itself: py-evm, each transaction mined in its own block.

Rules:
    1. A block holds no transaction (`evm_mine`) or one, so an index in it is always 0.
    2. A transaction that the protocol refuses changes nothing; one that reverts is mined with
       status 0 and pays for its gas, as on any node.
    3. A nonce above the account's is refused, as there is no queue in which it could wait.
    4. Calls are free: base fee and gas price are zero, whoever the sender is.

eth-tester is left out on purpose: it drops revert data, searches every block for a transaction,
and forces block times apart.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

import rlp  # type: ignore[import-untyped]  # ships no types
from eth.abc import BlockHeaderAPI, ComputationAPI, SignedTransactionAPI, StateAPI
from eth.chains.base import BaseChain, MiningChain
from eth.constants import GENESIS_PARENT_HASH, POST_MERGE_DIFFICULTY, POST_MERGE_NONCE, ZERO_ADDRESS
from eth.db.atomic import AtomicDB
from eth.exceptions import PyEVMError, VMError
from eth.typing import AccountDetails, HeaderParams
from eth.vm.forks.london.transactions import UnsignedDynamicFeeTransaction
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_keys.exceptions import BadSignature
from eth_typing import Address, BlockNumber
from eth_utils.exceptions import ValidationError

from marketplace.adapters.evm.embedded import CHAIN_ID
from marketplace.adapters.evm.embedded.block_time import BlockTime
from marketplace.adapters.evm.embedded.history import History, Mined, Sent

BLOCK_GAS_LIMIT = 30_000_000
_FUNDS = 10_000 * 10**18
# What py-evm raises before it executes anything; too long an init code is a VMError there.
REFUSALS = (ValidationError, VMError)
_UNREADABLE = (rlp.RLPException, ValidationError, PyEVMError, BadSignature, ValueError, TypeError)


class _Evm(MiningChain):
    chain_id = CHAIN_ID
    vm_configuration = ((BlockNumber(0), PragueVM),)


@dataclass(frozen=True, slots=True)
class Call:
    """A message to run without signing it; `to` is empty for a creation."""

    sender: Address
    to: Address
    value: int
    data: bytes
    gas: int = BLOCK_GAS_LIMIT


class Chain:
    """Makes blocks and runs messages on the state behind each. Not thread-safe."""

    def __init__(self, funded: Iterable[bytes], wall_clock: Callable[[], int]) -> None:
        """Begin a chain.

        Args:
            funded: 20-byte addresses that own 10,000 ether in the first block.
            wall_clock: integer seconds UTC.
        """
        self.time = BlockTime(wall_clock)
        self._evm = _genesis(funded, wall_clock())
        genesis = self._evm.get_vm(self._evm.get_canonical_head())
        self.history = History(Mined(genesis.get_block()))

    def pending(self) -> Mined:
        """The empty block that would be mined now: next number, next timestamp."""
        parent = self.history.head.header
        header = self._evm.create_header_from_parent(
            parent,
            timestamp=self.time.next_after(parent.timestamp),
            gas_limit=parent.gas_limit,
            coinbase=ZERO_ADDRESS,
            mix_hash=parent.hash,  # PREVRANDAO: any value will do, and this one is reproducible
        )
        return Mined(self._evm.get_vm(header).get_block())

    def state(self, at: BlockHeaderAPI) -> StateAPI:
        """Every account as it is after a block."""
        return self._evm.get_vm(at).state

    def decode(self, raw: bytes) -> SignedTransactionAPI:
        """A transaction with a valid signature from its wire form (EIP-2718).

        Raises:
            ValueError: the bytes are no transaction, or nobody signed it.
        """
        try:
            transaction = self._evm.get_vm().get_transaction_builder().decode(raw)
            transaction.check_signature_validity()
        except _UNREADABLE as error:
            raise ValueError(f"failed to decode transaction: {type(error).__name__}") from error
        return transaction

    def mine(self, transaction: SignedTransactionAPI | None = None) -> Mined:
        """Append a block.

        Raises:
            REFUSALS: the protocol does not have the transaction; no block was made.
        """
        header = self.pending().header
        vm = self._evm.get_vm(header)
        transactions = () if transaction is None else (transaction,)
        header, receipts, _ = vm.apply_all_transactions(transactions, header)
        filled = vm.set_block_transactions_and_withdrawals(
            vm.get_block(), header, transactions, receipts
        )
        # Not vm.mine_block, which insists that a block is a whole second after its parent.
        block = vm.finalize_block(filled).block
        self._evm.chaindb.persist_header(block.header)
        sent = None if transaction is None else Sent(transaction, receipts[0], block.header)
        mined = Mined(block, sent)
        self.history.append(mined)
        self.time.mined(block.header.timestamp)
        return mined

    def run(self, call: Call, at: BlockHeaderAPI) -> ComputationAPI:
        """Execute a message on the state after a block, in that block's context, and forget it.

        Raises:
            REFUSALS: for instance the sender lacks the value, or the gas is below the minimum.
        """
        vm = self._evm.get_vm(at.copy(base_fee_per_gas=0, gas_used=0))
        unsigned = UnsignedDynamicFeeTransaction(
            chain_id=CHAIN_ID,
            nonce=vm.state.get_nonce(call.sender),
            max_priority_fee_per_gas=0,
            max_fee_per_gas=0,
            gas=call.gas,
            to=call.to,
            value=call.value,
            data=call.data,
            access_list=(),
        )
        spoofed = SpoofTransaction(unsigned, from_=call.sender)
        return vm.state.apply_transaction(cast("SignedTransactionAPI", spoofed))

    def revert(self, snapshot: int) -> bool:
        """Go back to a snapshot, in blocks, state and time; False if it is unknown or used up."""
        if not self.history.revert(snapshot):
            return False
        self.time.resume_at(self.history.head.header.timestamp)
        return True


def _genesis(funded: Iterable[bytes], timestamp: int) -> BaseChain:
    header: dict[str, HeaderParams] = {
        "coinbase": ZERO_ADDRESS,
        "difficulty": POST_MERGE_DIFFICULTY,
        "nonce": POST_MERGE_NONCE,
        "mix_hash": GENESIS_PARENT_HASH,
        "extra_data": b"",
        "gas_limit": BLOCK_GAS_LIMIT,
        "timestamp": timestamp,
    }
    account: AccountDetails = {"balance": _FUNDS, "nonce": 0, "code": b"", "storage": {}}
    return _Evm.from_genesis(AtomicDB(), header, {Address(a): account for a in funded})
