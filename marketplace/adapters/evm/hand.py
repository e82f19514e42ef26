"""One account's hand on a chain: transactions, numbered, sent and mined."""

import threading
from typing import Any, Protocol

from eth_account.datastructures import SignedTransaction
from eth_utils.address import to_checksum_address
from web3.types import TxReceipt

from marketplace.adapters.evm.reverts import named
from marketplace.adapters.evm.view import EvmView, naming
from marketplace.core.values import Address
from marketplace.ports.chain import Transaction

RECEIPT_SECONDS = 60
SPARE_GAS = 10  # a tenth more than estimated: an estimate is of one state, and blocks move on


class Sender(Protocol):
    """Who pays gas and signs transactions; a hardware wallet is one class."""

    @property
    def address(self) -> Address:
        """The account."""
        ...

    def sign_transaction(self, transaction: dict[str, Any]) -> SignedTransaction:
        """Sign an EIP-1559 transaction."""
        ...


class Hand:
    """Sends one account's transactions; all that acts for the account shares its hand."""

    def __init__(self, view: EvmView, rpc_url: str, sender: Sender) -> None:
        self.view = view
        self._rpc_url = rpc_url
        self._sender = sender
        # An account's transactions are numbered: one at a time, whichever thread sends.
        self._lock = threading.Lock()

    @property
    def address(self) -> Address:
        """The account."""
        return self._sender.address

    def send(self, operation: str, function: Any) -> Transaction:  # noqa: ANN401 a web3 call
        """Send a call and wait until it is mined; raises what the contract reverts with."""
        return self.mined(operation, function)[0]

    def mined(
        self,
        operation: str,
        function: Any,  # noqa: ANN401 a web3 call
        gas: int = 0,
    ) -> tuple[Transaction, TxReceipt]:
        """The same, with the receipt, and with as much gas as is said; 0: as is estimated."""
        web3, account = self.view.web3, to_checksum_address(self.address)
        with self._lock, naming(operation, self._rpc_url):
            # A call that would revert is refused by the estimate, by name and free. At the pending
            # block: what has just come due is due there, and not yet at the latest.
            if not gas:
                gas = function.estimate_gas({"from": account}, block_identifier="pending")
                gas += gas // SPARE_GAS
            count = web3.eth.get_transaction_count(account)
            head = {"from": account, "nonce": count, "gas": gas}
            built = function.build_transaction(head)
            signed = self._sender.sign_transaction(built)
            sent = web3.eth.send_raw_transaction(signed.raw_transaction)
            receipt = web3.eth.wait_for_transaction_receipt(sent, RECEIPT_SECONDS, 0.02)
            block = int(receipt["blockNumber"])
            at = int(web3.eth.get_block(block)["timestamp"])
        if receipt["status"] != 1:
            raise named(operation, None, f"mined and reverted in block {block}")
        return Transaction("0x" + bytes(sent).hex(), int(receipt["gasUsed"]), block, at), receipt
