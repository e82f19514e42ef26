"""The cast, the contracts and one deal on Ape's in-process chain."""

from ast import literal_eval
from dataclasses import dataclass, field
from typing import Any

import pytest
from ape.api import ReceiptAPI
from ape.contracts import ContractInstance
from ape.exceptions import ContractLogicError
from ape.managers.chain import ChainManager
from ape_test.accounts import TestAccount
from calls import CALLS, Move
from eth_account.messages import SignableMessage
from eth_utils import keccak
from figures import (
    ARBITER_FEE,
    ARBITRATION,
    BOND,
    CREDITS,
    DEFAULT_BPS,
    DELIVERY,
    FEE_BPS,
    NOTICE,
    OPEN_WINDOW,
    PRICE,
    REVIEW,
)
from typed import Struct, digest, sign, signable

STATES = ["NONE", "FUNDED", "NOTICED", "DELIVERED", "DISPUTED"]
STATES += ["RELEASED", "REFUNDED", "RESOLVED", "SETTLED"]
ZERO = {"address": "0x" + "00" * 20, "bytes32": bytes(32)}


@dataclass(slots=True)
class Stage:
    """One deal between a buyer and a seller who are funded and have approved the escrow.

    Attributes:
        escrow: the contract under test.
        token: what the deal is paid in.
        credits: what the seller of an atomic deal sells.
        chain: Ape's chain, whose clock the moves set.
        cast: the accounts by their part: buyer, seller, recipient (of the fee), arbiter, stranger.
        terms: what both sign; `on_rail` sets them, and a test may change them.
    """

    escrow: ContractInstance
    token: ContractInstance
    credits: ContractInstance
    chain: ChainManager
    cast: dict[str, TestAccount]
    terms: Struct = field(init=False)

    def __post_init__(self) -> None:
        """Most deals are on the escrow rail."""
        self.on_rail("escrow")

    @property
    def now(self) -> int:
        """The last block's time."""
        return int(self.chain.blocks.head.timestamp)

    @property
    def domain(self) -> Struct:
        """The escrow's EIP-712 domain."""
        return {
            "name": "Parley",
            "version": "2",
            "chainId": self.chain.chain_id,
            "verifyingContract": self.escrow.address,
        }

    @property
    def sold(self) -> Struct:
        """The credits of an atomic deal."""
        return {"token": self.credits.address, "multi": False, "id": 0, "amount": CREDITS}

    @property
    def deal(self) -> bytes:
        """The deal's name."""
        return digest(self.signable_terms())

    def on_rail(self, rail: str) -> None:
        """The usual terms of a rail; a field that nobody names is zero."""
        judged = {
            "arbiter": self.cast["arbiter"].address,
            "arbiterFee": ARBITER_FEE,
            "arbitrationWindow": ARBITRATION,
            "defaultSellerBps": DEFAULT_BPS,
        }
        held = {"bond": BOND, "deliveryWindow": DELIVERY, "reviewWindow": REVIEW}
        of_rail = {  # in the order of the contract's numbers
            "escrow": held | judged,
            "atomic": {"goods": signable(self.domain, "Credits", self.sold).body},
            "metered": held | {"noticeWindow": NOTICE},
            "exchange": held | {"arbiter": judged["arbiter"], "goods": keccak(text="the goods")},
        }
        fields = self.escrow.digest.abis[0].inputs[0].components
        self.terms = {each.name: ZERO.get(each.type, 0) for each in fields} | {
            "buyer": self.cast["buyer"].address,
            "seller": self.cast["seller"].address,
            "token": self.token.address,
            "price": PRICE,
            "feeBps": FEE_BPS,
            "feeRecipient": self.cast["recipient"].address,
            "rail": list(of_rail).index(rail),
            "openBy": self.now + OPEN_WINDOW,
            "subject": keccak(text="the full outcome"),
            "previous": keccak(text="the message before"),
            "buyerNonce": 0x105,
            "sellerNonce": 0x2FE,
            **of_rail[rail],
        }

    def signable_terms(self, **domain: object) -> SignableMessage:
        """The terms as typed data, in this escrow's domain or a foreign one."""
        fields = self.escrow.digest.abis[0].inputs[0].components
        members = [(each.name, each.type) for each in fields]
        return signable(self.domain | domain, "Terms", self.terms, members)

    def signature(self, part: str, message: SignableMessage | None = None) -> bytes:
        """Who plays the part signs: the terms where nothing else is given."""
        return sign(self.cast[part].private_key, message or self.signable_terms())

    def play(self, *moves: Move) -> list[ReceiptAPI]:
        """Make the calls, each at its instant."""
        return [self.call(move, CALLS[move.operation](self, *move.amounts)) for move in moves]

    def call(self, move: Move, arguments: list[object]) -> ReceiptAPI:
        """Make one call at its instant, with arguments of the test's own."""
        self.chain.pending_timestamp = self.now + move.after
        return getattr(self.escrow, move.operation)(*arguments, sender=self.cast[move.by])

    def refused(self, move: Move, arguments: list[object] | None = None) -> tuple[str, Struct]:
        """The error's name and values when the escrow refuses a call; fails if it does not.

        The call is tried at its instant without a transaction: what is refused leaves no trace.
        """
        given = arguments or CALLS[move.operation](self, *move.amounts)
        self.chain.pending_timestamp = self.now + move.after
        method = getattr(self.escrow, move.operation)
        with pytest.raises(ContractLogicError) as refusal:
            method.call(*given, sender=self.cast[move.by], block_id="pending")
        # From the chain's own words: Ape does not read an error whose data hold an apostrophe.
        data = literal_eval(str(refusal.value.__cause__).removeprefix("execution reverted: "))
        error = self.escrow.contract_type.errors[data[:4]]
        values: Any = self.chain.provider.network.ecosystem.decode_calldata(error, data[4:])
        return error.name, values

    def state(self) -> str:
        """Where the deal stands."""
        return STATES[self.escrow.position(self.deal).state]

    def holdings(self) -> dict[str, int]:
        """What each of the cast, and the escrow, has in the token."""
        owners = {part: account.address for part, account in self.cast.items()}
        owners["escrow"] = self.escrow.address
        return {part: self.token.balanceOf(owner) for part, owner in owners.items()}
