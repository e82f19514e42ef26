"""An account's own matters in the escrow, over JSON-RPC."""

from eth_utils.address import to_checksum_address

from marketplace.adapters.evm.hand import Hand
from marketplace.core.values import Address
from marketplace.ports.chain import Transaction


class EvmAccount:
    """The sender's nonces, epoch and balance; each call returns once it is mined."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._functions = hand.view.escrow.functions

    def cancel(self, nonce: int) -> Transaction:
        """Spend the sender's own nonce."""
        return self._hand.send("cancel", self._functions.cancel(nonce))

    def cancel_all(self) -> Transaction:
        """Move the sender's epoch to one that nobody could have signed for."""
        return self._hand.send("cancelAll", self._functions.cancelAll())

    def deposit(self, token: Address, amount: int) -> Transaction:
        """Put money in, which binds the sender."""
        function = self._functions.deposit(to_checksum_address(token), amount)
        return self._hand.send("deposit", function)

    def announce(self) -> Transaction:
        """Say that the sender leaves."""
        return self._hand.send("announce", self._functions.announce())

    def withdraw(self, token: Address, to: Address, amount: int) -> Transaction:
        """Take money of the sender's out."""
        to_whom = to_checksum_address(token), to_checksum_address(to)
        function = self._functions.withdraw(*to_whom, amount)
        return self._hand.send("withdraw", function)
