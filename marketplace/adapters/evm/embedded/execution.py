"""eth_call, eth_estimateGas, eth_sendRawTransaction; a node's errors.

A revert is code 3 with the revert data; another fault in the EVM is -32000; a transaction that
the protocol refuses is -32003, -32602 when it cannot even be read.
"""

from dataclasses import replace

from eth.abc import ComputationAPI, SignedTransactionAPI
from eth.exceptions import Revert
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from marketplace.adapters.evm.embedded import CHAIN_ID, params, views
from marketplace.adapters.evm.embedded.chain import (
    BLOCK_GAS_LIMIT,
    REFUSALS,
    Call,
    Chain,
)
from marketplace.adapters.evm.embedded.history import Mined
from marketplace.adapters.evm.embedded.jsonrpc import (
    EXECUTION_FAILED,
    EXECUTION_REVERTED,
    INVALID_PARAMS,
    TRANSACTION_REJECTED,
    Json,
    RpcError,
)

_ERROR_STRING = bytes.fromhex("08c379a0")  # selector of Solidity's Error(string)
_BLOB_TYPE = 3


def call(chain: Chain, transaction: Json, at: Json = "latest") -> str:
    """Run a message without mining it; returns what it returned."""
    message, mined = params.call(transaction), params.known_block(chain, at)
    return views.data(_succeed(_run(chain, message, mined)).output)


def estimate_gas(chain: Chain, transaction: Json, at: Json = "pending") -> str:
    """A gas limit with which the message succeeds, at most 1/32 above what it needs.

    What was used is not always enough, since a caller keeps 1/64 of its gas back (EIP-150) and
    refunds come last. So the limit grows from there until the message succeeds.
    """
    message, mined = params.call(transaction), params.known_block(chain, at)
    first = _succeed(_run(chain, message, mined))
    gas = max(message.gas - first.get_gas_remaining(), _calldata_floor(message.data))
    while gas < message.gas and _run(chain, replace(message, gas=gas), mined).is_error:
        gas += gas // 32
    return hex(min(gas, message.gas))


def send_raw_transaction(chain: Chain, raw: Json) -> str:
    """Check a signed transaction and mine it at once; returns its hash."""
    encoded = params.data(raw)
    if encoded[:1] == bytes([_BLOB_TYPE]):
        raise RpcError(TRANSACTION_REJECTED, "blob transactions are not supported here")
    try:
        transaction = chain.decode(encoded)
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, str(error)) from error
    if refusals := _refusals(chain, transaction):
        raise RpcError(TRANSACTION_REJECTED, "; ".join(refusals))
    try:
        chain.mine(transaction)
    except REFUSALS as error:
        raise RpcError(TRANSACTION_REJECTED, str(error)) from error
    return views.data(transaction.hash)


def _run(chain: Chain, message: Call, mined: Mined) -> ComputationAPI:
    try:
        return chain.run(message, mined.header)
    except REFUSALS as error:
        raise RpcError(TRANSACTION_REJECTED, str(error)) from error


def _succeed(computation: ComputationAPI) -> ComputationAPI:
    """The same computation, unless it failed."""
    if computation.is_success:
        return computation
    if not isinstance(computation.error, Revert):
        fault = type(computation.error).__name__
        raise RpcError(EXECUTION_FAILED, f"EVM error {fault}: {computation.error}")
    reason = _reason(computation.output)
    message = f"execution reverted: {reason}" if reason else "execution reverted"
    raise RpcError(EXECUTION_REVERTED, message, views.data(computation.output))


def _reason(revert_data: bytes) -> str:
    """The text of Solidity's Error(string); empty for every other revert."""
    if revert_data[:4] != _ERROR_STRING:
        return ""
    try:
        (reason,) = decode(["string"], revert_data[4:])
    except (DecodingError, UnicodeDecodeError):
        return ""
    return str(reason)


def _refusals(chain: Chain, tx: SignedTransactionAPI) -> list[str]:
    """Why the protocol will not have this transaction, each with the two values that disagree."""
    state = chain.state(chain.history.head.header)
    nonce, balance = state.get_nonce(tx.sender), state.get_balance(tx.sender)
    base_fee = chain.pending().header.base_fee_per_gas or 0
    most, tip = tx.max_fee_per_gas, tx.max_priority_fee_per_gas
    cost = tx.gas * most + tx.value
    needed = max(tx.intrinsic_gas, _calldata_floor(tx.data))
    checks = {
        f"invalid chain id for signer: signed for {tx.chain_id}, this is {CHAIN_ID}": (
            tx.chain_id in {None, CHAIN_ID}
        ),
        f"nonce too low: {tx.nonce}, next is {nonce}": tx.nonce >= nonce,
        f"nonce too high: {tx.nonce}, next is {nonce}, no queue here": tx.nonce <= nonce,
        f"intrinsic gas too low: {tx.gas}, needs {needed}": tx.gas >= needed,
        f"gas limit {tx.gas} above the block's {BLOCK_GAS_LIMIT}": tx.gas <= BLOCK_GAS_LIMIT,
        f"max fee per gas {most} less than block base fee {base_fee}": most >= base_fee,
        f"max priority fee per gas {tip} above max fee per gas {most}": tip <= most,
        f"insufficient funds for gas * price + value: have {balance}, want {cost}": balance >= cost,
    }
    return [refusal for refusal, holds in checks.items() if not holds]


def _calldata_floor(data: bytes) -> int:
    """The least gas that a transaction with this calldata is charged (EIP-7623)."""
    return 21_000 + 10 * (4 * len(data) - 3 * data.count(0))
