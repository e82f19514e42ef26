"""A hall for one negotiation: real talks, signers and machine, and no network between.

``follow`` lets the other side speak whenever nobody has anything new to read, so that a
whole negotiation runs in one thread, the same way every time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from market import DOMAIN, NOW, TOKEN, Party

from marketplace.core.deal import Deal
from marketplace.core.errors import MessageRefused
from marketplace.core.feasibility import ChainFacts, PartyFacts
from marketplace.core.guardrails import Limits
from marketplace.core.listing import Content, Listing
from marketplace.core.message import Message, parse_message
from marketplace.core.negotiation import Negotiation, advance, begin
from marketplace.core.values import ZERO_DIGEST
from marketplace.core.words import Invitation
from marketplace.sdk import Talk, Wallet
from marketplace.sdk.boxes import Boxes
from marketplace.sdk.ledger import Ledger
from marketplace.sdk.means import Means
from marketplace.sdk.signer import Signer
from marketplace.wire.views import MessageView, Receipt

BUYER, SELLER = Party("buyer"), Party("seller")
FACTS = PartyFacts(epoch=0, nonce_spent=False, balance=1 << 128, allowance=1 << 128)
WIDE = Limits(TOKEN, 1 << 128, highest_unit_price=1 << 96, most_quantity=1 << 96)


@dataclass
class StillClock:
    """Stands still unless a test moves it."""

    at: int = NOW

    def now(self) -> int:
        """Integer seconds UTC."""
        return self.at


class FundedChain:
    """Both parties can pay whatever they sign."""

    def __init__(self, clock: StillClock) -> None:
        self._clock = clock

    def now(self) -> int:
        """The wall's time."""
        return self._clock.now()

    def epoch(self, _: str) -> int:
        """Nobody ever cancelled."""
        return 0

    def nonce_spent(self, _: str, __: int) -> bool:
        """Nothing was ever opened."""
        return False

    def position(self, _: str) -> Deal:
        """The same."""
        return Deal()

    def facts(self, _: object) -> ChainFacts:
        """Rich on both sides."""
        return ChainFacts(token_exists=True, buyer=FACTS, seller=FACTS)


@dataclass
class Hall:
    """A registry of one negotiation, in a list."""

    content: Content
    max_rounds: int = 10
    min_improvement: int = 1
    clock: StillClock = field(default_factory=StillClock)
    # Called when a reader waits and there is nothing to read; False where nobody has a word.
    otherwise: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self.header = Listing(SELLER.address, self.content.digest, ZERO_DIGEST, NOW + 86_400)
        self.listed = listed = SELLER.say(self.header, None, self.content)
        invitation = Invitation(
            buyer=BUYER.address,
            seller=SELLER.address,
            listing=listed.digest,
            buyer_nonce=1,
            buyer_epoch=0,
            deadline=NOW + 600,
            max_rounds=self.max_rounds,
            min_improvement=self.min_improvement,
            request=ZERO_DIGEST,
            salt=ZERO_DIGEST,
        )
        message = BUYER.say(invitation, invitation.digest(DOMAIN))
        self.state: Negotiation = begin(message, listed, NOW)
        self.views = [self._view(message)]

    def talk(self, party: Party, limits: Limits = WIDE) -> Talk:
        """One party's side; its salts are numbered."""
        salts, ledger = count(1), Ledger()
        ledger._next_nonce = 0
        chain: Any = FundedChain(self.clock)
        wallet = Wallet(party.key)
        signer = Signer(wallet, limits, ledger, DOMAIN, self.clock, chain)
        registry: Any = self
        boxes = Boxes(wallet.sign, wallet.address, DOMAIN, self.clock, registry)
        means = Means(registry, signer, chain, chain, chain, lambda: f"0x{next(salts):064x}", boxes)
        return Talk(means, self.listed, self.views[0])

    def submit(self, envelope: dict[str, Any]) -> Receipt:
        """Prove, place and keep a word, as a registry does."""
        message = parse_message(envelope, DOMAIN)
        self.state = advance(self.state, message, self.clock.now())
        self.views.append(self._view(message))
        index = len(self.views) - 1
        return Receipt(
            kind=message.kind,
            digest=message.digest,
            thread=self.state.id,
            sequence=index,
            index=index,
            leaf_hash="",
            received_at=self.clock.now(),
            log=None,
        )

    def try_word(self, message: Message) -> bool:
        """A word that may be refused; whether it was taken."""
        try:
            self.submit(message.to_json())
        except MessageRefused:
            return False
        return True

    def messages(self, _: str) -> list[MessageView]:
        """All of them."""
        return self.views

    def follow(self, start: int, _: str) -> Iterator[MessageView | None]:
        """From an index on; where nobody speaks, the deadline comes."""
        while True:
            while start < len(self.views):
                yield self.views[start]
                start += 1
            if not self.otherwise():
                self.clock.at = self.state.invitation.deadline
                yield None

    def _view(self, message: Message) -> MessageView:
        index = len(self.views) if hasattr(self, "views") else 0
        return MessageView(
            index=index,
            thread=str(message.negotiation),
            sequence=index,
            kind=message.kind,
            received_at=self.clock.now(),
            message=message.to_json(),
        )
