"""Many openings or redemptions in one transaction, over JSON-RPC."""

from collections.abc import Sequence
from typing import Any

from eth_utils.address import to_checksum_address
from web3.logs import DISCARD

from marketplace.adapters.evm.artifact import load
from marketplace.adapters.evm.encoding import opening_tuple, raw, struct_tuple
from marketplace.adapters.evm.factory import batch_address
from marketplace.adapters.evm.hand import Hand
from marketplace.adapters.evm.reverts import named
from marketplace.core.errors import GasShort, ParleyError
from marketplace.ports.chain import Opening, Redemption, Transaction

# What one member may use: an opening asks a wallet at most, a redemption leaves the escrow its
# allotment for a transfer behind a receiver that burns its own.
GAS_EACH = 520_000
# What one takes at most where no wallet's contract is asked, its calldata included; and the rest.
GAS_USED, GAS_ONCE = 200_000, 100_000


class EvmBatch:
    """The batch contract of the genuine escrow; a bad member is skipped, and named."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        address = to_checksum_address(batch_address())
        self._batch = hand.view.web3.eth.contract(address, abi=load("Batch").abi)

    def open(self, openings: Sequence[Opening]) -> tuple[Transaction, dict[int, ParleyError]]:
        """Open what can be opened; the others by their index, with the escrow's reason."""
        members = [opening_tuple(opening) for opening in openings]
        function = self._batch.functions.openBatch(members, GAS_EACH)
        return self._send("openBatch", function, len(members))

    def redeem(
        self, redemptions: Sequence[Redemption]
    ) -> tuple[Transaction, dict[int, ParleyError]]:
        """Redeem what can be redeemed; the others by their index, with the escrow's reason."""
        members = [(struct_tuple(one.terms), one.amount, raw(one.voucher)) for one in redemptions]
        function = self._batch.functions.redeemBatch(members, GAS_EACH)
        return self._send("redeemBatch", function, len(members))

    def _send(
        self,
        operation: str,
        function: Any,  # noqa: ANN401 a web3 call
        members: int,
    ) -> tuple[Transaction, dict[int, ParleyError]]:
        # Not estimated: the least gas that does not fail is what stops before the first member.
        gas = GAS_ONCE + GAS_EACH + members * GAS_USED
        sent, receipt = self._hand.mined(operation, function, gas)
        skipped: dict[int, ParleyError] = {}
        for told in self._batch.events.Skipped().process_receipt(receipt, errors=DISCARD):
            reason = "0x" + bytes(told["args"]["reason"]).hex()
            skipped[int(told["args"]["index"])] = named(operation, reason, reason)
        for told in self._batch.events.Stopped().process_receipt(receipt, errors=DISCARD):
            figures = told["args"]
            # Those behind it were not tried either, for the same want of gas.
            left, needed = int(figures["left"]), int(figures["needed"])
            for index in range(int(figures["index"]), members):
                skipped[index] = GasShort(left, needed)
        return sent, skipped
