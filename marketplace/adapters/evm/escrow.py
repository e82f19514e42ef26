"""Acting on deals with a key, over JSON-RPC."""

from collections.abc import Sequence

from eth_utils.address import to_checksum_address

from marketplace.adapters.evm.encoding import (
    arguments,
    opening_tuple,
    raw,
    series_tuple,
    struct_tuple,
)
from marketplace.adapters.evm.hand import Hand
from marketplace.core.agreement import Agreement
from marketplace.core.signature import Signature
from marketplace.core.terms import Credits, Terms
from marketplace.core.values import Address
from marketplace.ports.chain import Move, Opening, Series, Transaction

UNLIMITED = (1 << 256) - 1


class EvmEscrow:
    """One party's hand in the escrow; each call returns once it is mined."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._view = hand.view

    def allow(self, token: Address, amount: int) -> Transaction | None:
        """Approve the escrow without bound, once, if it may not pull this much already."""
        if self._view.allowance(token, self._hand.address) >= amount:
            return None
        # Unbounded on purpose: the escrow pulls only what this account signed, and the signer
        # has decided on that; a bound here would be a second, weaker limit.
        spender = to_checksum_address(self._view.domain.verifying_contract)
        approve = self._view.token(token).functions.approve(spender, UNLIMITED)
        return self._hand.send("approve", approve)

    def open(self, opening: Opening) -> Transaction:
        """Open a deal."""
        function = self._view.escrow.functions.open(opening_tuple(opening))
        return self._hand.send("open", function)

    def open_bundle(self, openings: Sequence[Opening]) -> Transaction:
        """Open all the deals of a bundle, in its order."""
        members = [opening_tuple(opening) for opening in openings]
        return self._hand.send("openBundle", self._view.escrow.functions.openBundle(members))

    def open_series(self, opened: Series, buyer: Signature, seller: Signature) -> Transaction:
        """Open all deals of a series."""
        open_series = self._view.escrow.functions.openSeries
        function = open_series(*series_tuple(opened), raw(buyer), raw(seller))
        return self._hand.send("openSeries", function)

    def redeem_series(self, redeemed: Series, amount: int, voucher: Signature) -> Transaction:
        """Redeem one amount in each deal of a series that takes it."""
        redeem_series = self._view.escrow.functions.redeemSeries
        function = redeem_series(*series_tuple(redeemed), amount, raw(voucher))
        return self._hand.send("redeemSeries", function)

    def swap(self, agreement: Agreement, credit: Credits) -> Transaction:
        """Open and end an atomic deal."""
        signatures = raw(agreement.buyer_signature), raw(agreement.seller_signature)
        terms, credits_ = struct_tuple(agreement.terms), struct_tuple(credit)
        function = self._view.escrow.functions.swap(terms, credits_, *signatures)
        return self._hand.send("swap", function)

    def operate(self, terms: Terms, move: Move) -> Transaction:
        """Move an open deal."""
        name = move.operation.value
        function = self._view.escrow.get_function_by_name(name)
        return self._hand.send(name, function(struct_tuple(terms), *arguments(move)))
