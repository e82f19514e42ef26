"""Blocks, transactions, receipts and logs as JSON-RPC objects.

Quantities are hex without leading zeros, data is hex of whole bytes (execution-apis).
"""

from eth.abc import LogAPI, SignedTransactionAPI
from eth.rlp.transactions import BaseTransaction

from marketplace.adapters.evm.embedded import CHAIN_ID
from marketplace.adapters.evm.embedded.history import Mined, Sent
from marketplace.adapters.evm.embedded.jsonrpc import Json

_DYNAMIC_FEE = 2
_SET_CODE = 4

# JSON member to header field.
_QUANTITIES = {
    "number": "block_number",
    "timestamp": "timestamp",
    "gasLimit": "gas_limit",
    "gasUsed": "gas_used",
    "baseFeePerGas": "base_fee_per_gas",
    "difficulty": "difficulty",
    "totalDifficulty": "difficulty",
    "blobGasUsed": "blob_gas_used",
    "excessBlobGas": "excess_blob_gas",
}
_DATA = {
    "parentHash": "parent_hash",
    "sha3Uncles": "uncles_hash",
    "miner": "coinbase",
    "stateRoot": "state_root",
    "transactionsRoot": "transaction_root",
    "receiptsRoot": "receipt_root",
    "withdrawalsRoot": "withdrawals_root",
    "parentBeaconBlockRoot": "parent_beacon_block_root",
    "requestsHash": "requests_hash",
    "extraData": "extra_data",
    "mixHash": "mix_hash",
    "nonce": "nonce",
}


def data(value: bytes) -> str:
    """Bytes of any length."""
    return "0x" + value.hex()


def word(value: int, size: int = 32) -> str:
    """An integer as data of a fixed size in bytes."""
    return data(value.to_bytes(size, "big"))


def block(mined: Mined, *, full: bool) -> dict[str, Json]:
    """A block, with its transaction as a hash or in `full`."""
    members = mined.header.as_dict()
    transactions: list[Json] = []
    if mined.sent is not None:
        transactions = [transaction(mined.sent) if full else data(mined.sent.transaction.hash)]
    return {
        **{name: hex(members[field]) for name, field in _QUANTITIES.items()},
        **{name: data(members[field]) for name, field in _DATA.items()},
        "hash": data(mined.header.hash),
        "logsBloom": word(mined.header.bloom, 256),
        "size": hex(mined.size),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


def transaction(sent: Sent) -> dict[str, Json]:
    """A transaction, with its place in the chain."""
    tx = sent.transaction
    return {
        **_place(sent),
        **_signature(tx),
        "hash": data(tx.hash),
        "type": hex(tx.type_id or 0),
        "chainId": hex(CHAIN_ID),
        "from": data(tx.sender),
        "to": data(tx.to) if tx.to else None,
        "nonce": hex(tx.nonce),
        "value": hex(tx.value),
        "gas": hex(tx.gas),
        "gasPrice": hex(_price_paid(sent)),
        "input": data(tx.data),
        **_typed_members(tx),
    }


def receipt(sent: Sent) -> dict[str, Json]:
    """What came of a transaction; alone in its block, it used the block's whole gas."""
    tx, outcome = sent.transaction, sent.receipt
    return {
        **_place(sent),
        "transactionHash": data(tx.hash),
        "type": hex(tx.type_id or 0),
        "status": "0x1" if outcome.state_root == b"\x01" else "0x0",
        "from": data(tx.sender),
        "to": data(tx.to) if tx.to else None,
        "contractAddress": data(sent.created) if sent.created else None,
        "gasUsed": hex(outcome.gas_used),
        "cumulativeGasUsed": hex(outcome.gas_used),
        "effectiveGasPrice": hex(_price_paid(sent)),
        "logs": list(logs(sent)),
        "logsBloom": word(outcome.bloom, 256),
    }


def logs(sent: Sent) -> list[dict[str, Json]]:
    """Every log of a transaction, in order."""
    place = {**_place(sent), "transactionHash": data(sent.transaction.hash)}
    return [
        {**place, **_log(entry), "logIndex": hex(index), "removed": False}
        for index, entry in enumerate(sent.receipt.logs)
    ]


def _log(entry: LogAPI) -> dict[str, Json]:
    topics: list[Json] = [word(topic) for topic in entry.topics]
    return {"address": data(entry.address), "data": data(entry.data), "topics": topics}


def _place(sent: Sent) -> dict[str, Json]:
    return {
        "blockHash": data(sent.header.hash),
        "blockNumber": hex(sent.header.block_number),
        "transactionIndex": "0x0",
    }


def _price_paid(sent: Sent) -> int:
    """Wei a unit of gas, as EIP-1559 sets it; older transactions have one price for both fees."""
    tx, base_fee = sent.transaction, sent.header.base_fee_per_gas or 0
    return min(tx.max_fee_per_gas, tx.max_priority_fee_per_gas + base_fee)


def _signature(tx: SignedTransactionAPI) -> dict[str, Json]:
    parity: dict[str, Json] = {"yParity": hex(tx.y_parity)} if tx.type_id else {}
    v = tx.v if isinstance(tx, BaseTransaction) else tx.y_parity
    return {"v": hex(v), "r": hex(tx.r), "s": hex(tx.s), **parity}


def _typed_members(tx: SignedTransactionAPI) -> dict[str, Json]:
    """What EIP-2930, EIP-1559 and EIP-7702 add to a transaction."""
    members: dict[str, Json] = {}
    kind = tx.type_id or 0
    if kind:
        members["accessList"] = [
            {"address": data(account), "storageKeys": [word(k) for k in keys]}
            for account, keys in tx.access_list
        ]
    if kind >= _DYNAMIC_FEE:
        members["maxFeePerGas"] = hex(tx.max_fee_per_gas)
        members["maxPriorityFeePerGas"] = hex(tx.max_priority_fee_per_gas)
    if kind == _SET_CODE:
        members["authorizationList"] = [
            {
                "chainId": hex(grant.chain_id),
                "address": data(grant.address),
                "nonce": hex(grant.nonce),
                "yParity": hex(grant.y_parity),
                "r": hex(grant.r),
                "s": hex(grant.s),
            }
            for grant in tx.authorization_list
        ]
    return members
