"""The client: one party's way into the marketplace.

Blocking on purpose, and the only client there is: from asynchronous code call it in a
thread (``await asyncio.to_thread(...)``). It trusts the registry with nothing that it
can check: messages, signatures and states are proved here, and the escrow's code is
compared with the one that this version was made for.
"""

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from marketplace.adapters.evm.account import EvmAccount
from marketplace.adapters.evm.escrow import EvmEscrow
from marketplace.adapters.evm.hand import Hand
from marketplace.adapters.evm.plain import PlainChain
from marketplace.adapters.system import SystemClock, random_bytes32
from marketplace.core.agreement import Agreement
from marketplace.core.capacity import Capacity, Servable
from marketplace.core.card import Key
from marketplace.core.decision import Decision
from marketplace.core.eip712 import Domain
from marketplace.core.errors import (
    ListingExpired,
    ListingMissing,
    ListingReplaced,
    NegotiationMissing,
    TokenForbidden,
    Unavailable,
    Unservable,
)
from marketplace.core.guardrails import Limits
from marketplace.core.identity import Mandate, Scope
from marketplace.core.listing import Content, Listing
from marketplace.core.message import parse_message
from marketplace.core.values import ZERO_DIGEST, Address, Digest, Json
from marketplace.core.words import Invitation, Kind
from marketplace.ports.chain import Account, Holding
from marketplace.sdk.boxes import Boxes
from marketplace.sdk.direct import Direct
from marketplace.sdk.evidence import gather
from marketplace.sdk.genuine import genuine_escrow
from marketplace.sdk.ledger import Ledger
from marketplace.sdk.login import RegistryLogin
from marketplace.sdk.means import Means, sha256_hex
from marketplace.sdk.people import People
from marketplace.sdk.registry import Registry
from marketplace.sdk.seeking import Listed, Seeker
from marketplace.sdk.settlement import Settlement
from marketplace.sdk.signer import Signer
from marketplace.sdk.talk import Talk
from marketplace.sdk.wallet import Wallet

# What a login asks for: to read what is one's own, to keep one's listings alive.
SCOPE = Scope.READ | Scope.LIST
WEEK = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Rules:
    """What an invitation sets for its talk: seconds to the deadline, rounds, improvement.

    ``confidential`` takes no offer in the open: both cards need an encryption key.
    """

    lasts: int = 600
    max_rounds: int = 40
    min_improvement: int = 1
    confidential: bool = False


class Client(Seeker, People):
    """One party at one registry and one chain.

    Args:
        registry: the registry's URL, or the way to agents without one.
        rpc: the chain's JSON-RPC URL; choose it yourself, it is what you believe.
        wallet: who signs.
        limits: what a human allows the wallet to sign.
        ledger: where the signer's commitments are kept; None keeps them in memory, and
            then a restart forgets what is outstanding. The log's receipts are kept beside it.
        capacity: the units that a human puts on sale, over all listings of this party; None
            does not count them.
        mandate: a delegation to the wallet: the client speaks in its principal's name, and
            signs everything but Terms; what takes gas or money is the principal's to do.
    """

    def __init__(  # noqa: PLR0913, PLR0917 what a party is made of
        self,
        registry: str | Direct,
        rpc: str,
        wallet: Wallet,
        limits: Limits,
        ledger: Path | None = None,
        capacity: Capacity | None = None,
        mandate: Mandate | None = None,
    ) -> None:
        self._registry = Registry(registry) if isinstance(registry, str) else registry
        try:
            chain = genuine_escrow(self._registry, rpc)
            if isinstance(self._registry, Registry):
                self._registry.auth = _login(self._registry.url, chain.domain, wallet, mandate)
                self._registry.keep_receipts(ledger)
            kept = Ledger(ledger, capacity)
            signer = Signer(wallet, limits, kept, chain.domain, SystemClock(), chain, mandate)
        except Exception:
            self._registry.close()
            raise
        self._anchors_of = PlainChain(rpc).anchors
        hand = Hand(chain, rpc, wallet)
        self._means = Means(
            registry=self._registry,
            signer=signer,
            chain=chain,
            escrow=EvmEscrow(hand),
            account=EvmAccount(hand),
            random_bytes32=random_bytes32,
            boxes=Boxes(wallet.sign, wallet.address, chain.domain, signer.clock, self._registry),
        )
        # Each listing that was closed here and what was on sale of it, by the closing version.
        self._closed: dict[Digest, tuple[Listed, int]] = {}
        self._relisting = threading.Lock()

    @property
    def address(self) -> Address:
        """This party."""
        return self._means.signer.address

    def close(self) -> None:
        """Close the connections and the ledger."""
        self._registry.close()
        self._means.signer.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def publish(
        self, content: Content, replaces: Digest = ZERO_DIGEST, lasts: int = WEEK
    ) -> Listed:
        """Publish a listing, or replace one; a bond is allowed to the escrow at once.

        A party that counts its units never lists more than are unsold.
        """
        signer = self._means.signer
        content = replace(content, capacity=min(content.capacity, self.capacity.unsold))
        if content.settlement.bond_bps:
            self._allow(content)
        header = Listing(self.address, content.digest, replaces, signer.clock.now() + lasts)
        message = signer.listing(header, content)
        self._registry.submit(message.to_json())
        return Listed(message.digest, header, content)

    def invite(self, listed: Listed, request: bytes = b"", rules: Rules | None = None) -> Talk:
        """As a buyer: ask a listing's seller for an offer, and let the escrow pull the price.

        Args:
            listed: the listing to talk about.
            request: bytes that say what is asked, for example a job; the seller gets them.
            rules: deadline, rounds, improvement.
        """
        rules, signer = rules or Rules(), self._means.signer
        if rules.confidential:
            self._means.boxes.check_mine()
            self._means.boxes.key_of(listed.header.seller)
        self._allow(listed.content)
        invitation = Invitation(
            buyer=self.address,
            seller=listed.header.seller,
            listing=listed.digest,
            buyer_nonce=signer.ledger.take_nonce(),
            buyer_epoch=self._means.chain.epoch(self.address),
            deadline=signer.clock.now() + rules.lasts,
            max_rounds=rules.max_rounds,
            min_improvement=rules.min_improvement,
            request=sha256_hex(request) if request else ZERO_DIGEST,
            salt=self._means.random_bytes32(),
        )
        message = signer.invitation(invitation)
        self._registry.submit(message.to_json())
        if request:
            self._means.put(message.digest, request)
        return self.talk(message.digest, confidential=rules.confidential)

    def invitations(self, start: int = 0) -> Iterator[Talk]:
        """As a seller: each invitation to this party, for ever, from an index of the log."""
        for view in self._registry.follow(start, self.address):
            if view is None or view.kind != Kind.INVITATION:
                continue
            message = parse_message(view.message, self._means.signer.domain)
            if isinstance(message.body, Invitation) and message.body.seller == self.address:
                yield self.talk(message.digest)

    def heard(self, start: int = 0) -> Iterator[Digest]:
        """The negotiation of each word that another says to this party, for ever."""
        for view in self._registry.follow(start, self.address):
            if view is None or (view.message or {}).get("signer") == self.address:
                continue
            negotiation = (view.message or {"negotiation": view.thread}).get("negotiation")
            if isinstance(negotiation, str):
                yield negotiation

    def encryption_key(self, lasts: int = WEEK) -> Key:
        """This party's key for its card, good so many seconds; from now on it seals its offers.

        That is, in talks that begin from now on, with those on whose cards there is a key, too.
        """
        return self._means.boxes.key(self._means.signer.clock.now() + lasts)

    def talk(self, negotiation: Digest, *, confidential: bool = False) -> Talk:
        """A negotiation of this party, from its first message on.

        Args:
            negotiation: its id.
            confidential: take no offer in the open, and make none.
        """
        views = self._registry.messages(negotiation)
        if not views:
            raise NegotiationMissing(negotiation)
        first = views[0]
        message = parse_message(first.message, self._means.signer.domain)
        if message.digest != negotiation or not isinstance(message.body, Invitation):
            raise NegotiationMissing(negotiation)
        view = self._registry.listing(message.body.listing)
        listed = parse_message(view.message, self._means.signer.domain)
        if listed.digest != message.body.listing:
            raise ListingMissing(message.body.listing)
        talk = Talk(self._means, listed, first, confidential=confidential)
        talk.sync()
        return talk

    def settle(self, agreement: Agreement) -> Settlement:
        """The agreement's life in the escrow."""
        return Settlement(self._means, agreement, self._funded)

    @property
    def capacity(self) -> Capacity:
        """This party's units: ``total``, ``committed``, ``held``, ``free``, as it last knew."""
        return self._means.signer.ledger.capacity

    def probe(self, units: int) -> Servable | Unservable:
        """Whether so many units could be offered now; holds nothing, raises nothing."""
        return self.capacity.probe(units)

    def take_stock(self) -> list[Digest]:
        """Ask the chain what is sold and what came back, and let the listings say so.

        When nothing is left unsold this party's listings are closed; what was closed here is
        opened again when units come back.

        Returns:
            The talks whose lot was sold to another since this was last called: their offers
            cannot be opened any more, and nobody has told them so yet.
        """
        signer = self._means.signer
        if not self.capacity.counted:
            return []
        signer.refresh()
        self._relist()
        with signer.ledger.lock:
            told, signer.ledger.stranded = signer.ledger.stranded, []
        return told

    def exposure(self) -> dict[int, int]:
        """What each nonce of this party can still cost it, in base units, as the chain has it."""
        signer = self._means.signer
        signer.refresh()
        commitments = signer.ledger.exposure.commitments
        return {nonce: commitment.amount for nonce, commitment in commitments.items()}

    def decisions(self, deal: Digest | None = None) -> list[Decision]:
        """What the limits said of terms before anything was signed, in order, denials too.

        Args:
            deal: only of these terms, by their digest.
        """
        return self._means.signer.ledger.decisions(deal)

    def cancel(self, nonce: int) -> None:
        """Spend a nonce on chain: no offer signed under it can be opened any more."""
        self._account.cancel(nonce)

    def cancel_all(self) -> None:
        """Cancel every offer this party has signed and not seen opened; open deals go on."""
        self._account.cancel_all()

    def deposit(self, amount: int) -> Holding:
        """Put money into the escrow, which binds this party: its deals are paid from there."""
        token, account = self._means.signer.limits.token, self._account
        self._means.escrow.allow(token, amount)
        account.deposit(token, amount)
        return self.holding()

    def leave(self) -> Holding:
        """Announce that this party leaves; it is free to withdraw and cancel at ``leaves_at``."""
        self._account.announce()
        return self.holding()

    def withdraw(self, amount: int, to: Address | None = None) -> Holding:
        """Take money out of the escrow, once not bound; to this party, unless told otherwise."""
        token = self._means.signer.limits.token
        self._account.withdraw(token, to or self.address, amount)
        return self.holding()

    def holding(self) -> Holding:
        """What the escrow holds for this party outside its deals, and whether it is bound."""
        return self._means.chain.holding(self._means.signer.limits.token, self.address)

    def evidence(self, deal: Settlement) -> dict[str, Json]:
        """Everything a third party needs to judge the deal, as JSON."""
        return gather(self._means, deal, self._anchors_of)

    def balance(self, token: Address) -> int:
        """This party's balance of a token, in base units."""
        return self._means.chain.balance(token, self.address)

    @property
    def _account(self) -> Account:
        self._means.signer.check_own("a transaction")
        return self._means.account

    def _funded(self) -> None:
        if not self.capacity.counted:
            return
        self._means.signer.refresh()
        # The work goes on without the registry; whoever takes stock next closes the listing.
        with suppress(Unavailable):
            self._relist()

    def _relist(self) -> None:
        if self.capacity.unsold and not self._closed:
            return  # what most sales find: there is nothing to say, and nobody to wait for
        # Not the ledger's lock: whoever signs does not wait for a registry.
        with self._relisting:
            now = self._means.signer.clock.now()
            if self.capacity.unsold:
                self._reopen(now)
            else:
                self._close_all(now)

    def _close_all(self, now: int) -> None:
        for listed in self.browse(seller=self.address):
            lasts, was = listed.header.expires_at - now, listed.content.capacity
            closed = self.publish(replace(listed.content, capacity=0), listed.digest, lasts)
            self._closed[closed.digest] = closed, was

    def _reopen(self, now: int) -> None:
        # No search shows what is sold out, so what was closed here is remembered here.
        for digest, (closed, was) in tuple(self._closed.items()):
            content, lasts = replace(closed.content, capacity=was), closed.header.expires_at - now
            # Where a human has replaced it, the human's word stands.
            with suppress(ListingReplaced, ListingExpired):
                self.publish(content, digest, lasts)
            del self._closed[digest]

    def _allow(self, content: Content) -> None:
        token, limits = content.settlement.token, self._means.signer.limits
        if token != limits.token:
            raise TokenForbidden(token, limits.token)
        if self._means.signer.mandate is not None:
            return  # money is the principal's own to allow
        self._means.escrow.allow(token, limits.most_exposure)


def _login(url: str, domain: Domain, wallet: Wallet, mandate: Mandate | None) -> RegistryLogin:
    scope = SCOPE if mandate is None else SCOPE | Scope.UPLOAD
    own = mandate is None
    return RegistryLogin(url, domain, wallet, scope, delegated=mandate, when_asked=own)
