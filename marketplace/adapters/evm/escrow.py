"""Acting in an escrow with a key, over JSON-RPC."""

import threading
from typing import Any, Protocol

from eth_account.datastructures import SignedTransaction
from eth_utils.address import to_checksum_address

from marketplace.adapters.evm.reverts import named
from marketplace.adapters.evm.view import EvmView, naming, terms_tuple
from marketplace.core.agreement import Agreement
from marketplace.core.deal import Operation
from marketplace.core.terms import Terms
from marketplace.core.values import Address, Digest
from marketplace.ports.chain import Transaction

UNLIMITED = (1 << 256) - 1
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


class EvmEscrow:
    """One party's hand in the escrow; each call returns once it is mined."""

    def __init__(self, view: EvmView, rpc_url: str, sender: Sender) -> None:
        self._view = view
        self._rpc_url = rpc_url
        self._sender = sender
        # An account's transactions are numbered: one at a time, whichever thread sends.
        self._lock = threading.Lock()

    def allow(self, token: Address, amount: int) -> Transaction | None:
        """Approve the escrow without bound, once, if it may not pull this much already."""
        if self._view.allowance(token, self._sender.address) >= amount:
            return None
        # Unbounded on purpose: the escrow pulls only what this account signed, and the signer
        # has decided on that; a bound here would be a second, weaker limit.
        spender = to_checksum_address(self._view.domain.verifying_contract)
        return self._send("approve", self._view.token(token).functions.approve(spender, UNLIMITED))

    def open(self, agreement: Agreement) -> Transaction:
        """Open the deal of an agreement."""
        signatures = agreement.buyer_signature, agreement.seller_signature
        raw = (bytes.fromhex(signature[2:]) for signature in signatures)
        function = self._view.escrow.functions.open(terms_tuple(agreement.terms), *raw)
        return self._send("open", function)

    def operate(
        self, terms: Terms, operation: Operation, delivery: tuple[Digest, int] | None = None
    ) -> Transaction:
        """Move an open deal; a delivery names (deliverable, charge)."""
        more = (bytes.fromhex(delivery[0][2:]), delivery[1]) if delivery else ()
        function = self._view.escrow.get_function_by_name(operation.value)
        return self._send(operation.value, function(terms_tuple(terms), *more))

    def cancel(self, nonce: int) -> Transaction:
        """Spend the sender's own nonce."""
        return self._send("cancel", self._view.escrow.functions.cancel(nonce))

    def cancel_all(self) -> Transaction:
        """Move the sender's epoch to one that nobody could have signed for."""
        return self._send("cancelAll", self._view.escrow.functions.cancelAll())

    def _send(self, operation: str, function: Any) -> Transaction:  # noqa: ANN401 a web3 call
        web3, account = self._view.web3, to_checksum_address(self._sender.address)
        with self._lock, naming(operation, self._rpc_url):
            # A call that would revert is refused by the estimate, by name and free. At the pending
            # block: what has just come due is due there, and not yet at the latest.
            gas = function.estimate_gas({"from": account}, block_identifier="pending")
            count = web3.eth.get_transaction_count(account)
            head = {"from": account, "nonce": count, "gas": gas + gas // SPARE_GAS}
            built = function.build_transaction(head)
            signed = self._sender.sign_transaction(built)
            sent = web3.eth.send_raw_transaction(signed.raw_transaction)
            receipt = web3.eth.wait_for_transaction_receipt(sent, RECEIPT_SECONDS, 0.02)
            block = int(receipt["blockNumber"])
            at = int(web3.eth.get_block(block)["timestamp"])
        if receipt["status"] != 1:
            raise named(operation, None, f"mined and reverted in block {block}")
        return Transaction("0x" + bytes(sent).hex(), int(receipt["gasUsed"]), block, at)
