"""The JSON-RPC methods by name, as Anvil has them.

A method is a function of the chain and the request's parameters; its Python signature is what
the number of parameters is checked against.
"""

import inspect
from collections.abc import Callable

from eth.abc import StateAPI

from marketplace.adapters.evm.embedded import CHAIN_ID, execution, params, views
from marketplace.adapters.evm.embedded.chain import Chain
from marketplace.adapters.evm.embedded.history import Mined
from marketplace.adapters.evm.embedded.jsonrpc import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    Json,
    RpcError,
)
from marketplace.adapters.evm.embedded.logs import get_logs

_PRIORITY_FEE = 10**9
_MOST_FEE_BLOCKS = 1024
_MOST_MINED = 10_000


def invoke(chain: Chain, method: str, arguments: list[Json]) -> Json:
    """Run one method.

    Raises:
        RpcError: no such method, wrong parameters, or what the method itself refuses.
    """
    function = METHODS.get(method)
    if function is None:
        raise RpcError(METHOD_NOT_FOUND, f"the method {method[:80]} does not exist")
    try:
        bound = inspect.signature(function).bind(chain, *arguments)
    except TypeError as error:
        raise RpcError(INVALID_PARAMS, f"{method}: {error}") from error
    return function(*bound.args)


def _get_balance(chain: Chain, account: Json, at: Json = "latest") -> Json:
    return hex(_state(chain, at).get_balance(params.address(account)))


def _get_transaction_count(chain: Chain, account: Json, at: Json = "latest") -> Json:
    return hex(_state(chain, at).get_nonce(params.address(account)))


def _get_code(chain: Chain, account: Json, at: Json = "latest") -> Json:
    return views.data(_state(chain, at).get_code(params.address(account)))


def _get_storage_at(chain: Chain, account: Json, slot: Json, at: Json = "latest") -> Json:
    value = _state(chain, at).get_storage(params.address(account), params.quantity(slot))
    return views.word(value)


def _state(chain: Chain, at: Json) -> StateAPI:
    return chain.state(params.known_block(chain, at).header)


def _get_block_by_number(chain: Chain, number: Json, full: Json = False) -> Json:  # noqa: FBT002 -- JSON-RPC is positional
    found = params.block(chain, number)
    return None if found is None else views.block(found, full=full is True)


def _get_block_by_hash(chain: Chain, block_hash: Json, full: Json = False) -> Json:  # noqa: FBT002 -- JSON-RPC is positional
    found = chain.history.by_hash(params.data(block_hash, 32))
    return None if found is None else views.block(found, full=full is True)


def _get_transaction_by_hash(chain: Chain, transaction_hash: Json) -> Json:
    sent = chain.history.sent(params.data(transaction_hash, 32))
    return None if sent is None else views.transaction(sent)


def _get_transaction_receipt(chain: Chain, transaction_hash: Json) -> Json:
    sent = chain.history.sent(params.data(transaction_hash, 32))
    return None if sent is None else views.receipt(sent)


def _gas_price(chain: Chain) -> Json:
    return hex(_base_fee(chain.pending()) + _PRIORITY_FEE)


def _fee_history(chain: Chain, count: Json, newest: Json, percentiles: Json = None) -> Json:
    """Base fees of the last blocks and of the next one; every tip is the usual one."""
    head = chain.history.head.block.number
    last = min(params.known_block(chain, newest).block.number, head)
    wanted = min(params.quantity(count), _MOST_FEE_BLOCKS, last + 1)
    blocks = chain.history.between(last + 1 - wanted, last)
    following = chain.history.block(last + 1) or chain.pending()
    ratios: list[Json] = [m.header.gas_used / m.header.gas_limit for m in blocks]
    fees: list[Json] = [hex(_base_fee(mined)) for mined in (*blocks, following)]
    history: dict[str, Json] = {
        "oldestBlock": hex(last + 1 - wanted),
        "baseFeePerGas": fees,
        "gasUsedRatio": ratios,
    }
    if isinstance(percentiles, list) and percentiles:
        tips: list[Json] = [hex(_PRIORITY_FEE)] * len(percentiles)
        history["reward"] = [tips] * len(blocks)
    return history


def _base_fee(mined: Mined) -> int:
    return mined.header.base_fee_per_gas or 0


def _increase_time(chain: Chain, seconds: Json) -> Json:
    return chain.time.increase(params.seconds(seconds))


def _set_next_block_timestamp(chain: Chain, timestamp: Json) -> Json:
    wanted, last = params.seconds(timestamp), chain.history.head.header.timestamp
    if wanted < last:
        params.refuse(f"a timestamp from the last block's {last} on", timestamp)
    chain.time.fix_next(wanted)
    return None


def _mine(chain: Chain, options: Json = None) -> Json:
    """One block, or as many as `{"blocks", "timestamp"}` says; a bare number is the timestamp."""
    given = params.fields(options) if isinstance(options, dict) else {"timestamp": options}
    count = params.quantity(given.get("blocks", 1))
    if count > _MOST_MINED:
        params.refuse(f"at most {_MOST_MINED} blocks", count)
    if given.get("timestamp") is not None:
        _set_next_block_timestamp(chain, given["timestamp"])
    for _ in range(count):
        chain.mine()
    return "0x0"


METHODS: dict[str, Callable[..., Json]] = {
    "eth_accounts": lambda _: [],  # the node holds no keys
    "eth_blockNumber": lambda chain: hex(chain.history.head.block.number),
    "eth_call": execution.call,
    "eth_chainId": lambda _: hex(CHAIN_ID),
    "eth_estimateGas": execution.estimate_gas,
    "eth_feeHistory": _fee_history,
    "eth_gasPrice": _gas_price,
    "eth_getBalance": _get_balance,
    "eth_getBlockByHash": _get_block_by_hash,
    "eth_getBlockByNumber": _get_block_by_number,
    "eth_getCode": _get_code,
    "eth_getLogs": get_logs,
    "eth_getStorageAt": _get_storage_at,
    "eth_getTransactionByHash": _get_transaction_by_hash,
    "eth_getTransactionCount": _get_transaction_count,
    "eth_getTransactionReceipt": _get_transaction_receipt,
    "eth_maxPriorityFeePerGas": lambda _: hex(_PRIORITY_FEE),
    "eth_sendRawTransaction": execution.send_raw_transaction,
    "eth_syncing": lambda _: False,
    "evm_increaseTime": _increase_time,
    "evm_mine": _mine,
    "evm_revert": lambda chain, snapshot: chain.revert(params.quantity(snapshot)),
    "evm_setNextBlockTimestamp": _set_next_block_timestamp,
    "evm_snapshot": lambda chain: hex(chain.history.snapshot()),
    "net_version": lambda _: str(CHAIN_ID),
    "web3_clientVersion": lambda _: "parley-embedded/py-evm",
}
