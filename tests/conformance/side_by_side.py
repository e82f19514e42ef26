"""Deals and accounts in Python beside the chain: the same act in both, then compared."""

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from escrow_stage import ARBITER, Stage
from market import BUYER, FEE_RECIPIENT, SELLER, STRANGER, Party

from marketplace.core.consent import (
    Settlement,
    Voucher,
    bulk_of_terms,
    bulk_of_vouchers,
    series,
)
from marketplace.core.deal import apply
from marketplace.core.errors import (
    AccountBound,
    AccountUnbound,
    BalanceShort,
    FundsShort,
    NonceSpent,
    ParleyError,
    WrongGoods,
    WrongRail,
    WrongSigner,
)
from marketplace.core.feasibility import check_feasible
from marketplace.core.position import (
    Call,
    Deal,
    Operation,
    Payout,
    arbitration_deadline,
    delivery_deadline,
    due,
    grace_deadline,
    opened,
    review_deadline,
    share,
    voucher_signer,
)
from marketplace.core.terms import Credits, Rail, Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST
from marketplace.ports.chain import Move, Opening, Series

NOTICE = 24 * 3600
BUYER_INSIDE, SELLER_INSIDE = 1, 2
VOUCHERER = Party("voucherer")
PARTIES = {p.address: p for p in (BUYER, SELLER, STRANGER, ARBITER, VOUCHERER)}
OWNERS = (BUYER.address, SELLER.address, ARBITER.address, FEE_RECIPIENT)
PROOF = "0x" + "dd" * 32

# The deadline from which an operation is possible.
_RIGHT = {Operation.CLAIM: "review", Operation.EXPIRE: "arbitration"}

Refusal = tuple[str, dict[str, str | int]]


@dataclass(frozen=True)
class Step:
    """One call about a deal, its figures named by what they lie at.

    ``by`` and ``signed`` are "right", or an address; ``signed`` may be "nobody" too. ``when`` is
    "right", "soon" or a deadline, and the seconds beside it. ``lasts``: for how many seconds what
    both signed still holds.
    """

    operation: Operation
    by: str = "right"
    when: tuple[str, int] = ("soon", 0)
    amount: str = "due"
    bond: str = "whole"
    digest: str = PROOF
    signed: str = "right"
    lasts: int = 1


def refusal(act: Callable[[], object]) -> Refusal | None:
    """The name and the values that an act is refused with."""
    try:
        act()
    except ParleyError as error:
        return error.code, error.values
    return None


@dataclass
class Bound:
    """What the escrow keeps of an account's money, as Python has it."""

    inside: int = 0
    bound: bool = False
    leaves_at: int = 0

    def is_bound(self, now: int) -> bool:
        """At an instant."""
        return self.bound and (self.leaves_at == 0 or now < self.leaves_at)

    def check_free(self, account: str, now: int) -> None:
        """Raise unless it may leave."""
        if self.is_bound(now):
            raise AccountBound(account, self.leaves_at, now)


@dataclass
class World:
    """All that both machines hold; ``outcomes`` is how each act went."""

    stage: Stage
    deals: dict[str, Deal] = field(default_factory=dict)
    terms: dict[str, Terms] = field(default_factory=dict)
    outcomes: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Start from the chain as it is."""
        self.wallets = {a: self.stage.view.balance(self.stage.token, a) for a in OWNERS}
        self.accounts: dict[str, Bound] = defaultdict(Bound)

    # -------------------------------------------------------------- deals

    def open(self, terms: Terms) -> str:
        """Open a deal, by a stranger; returns how it went."""
        at = self.stage.at(self.stage.view.now() + 5)
        agreement = self.stage.agreement(terms)

        def mine() -> None:
            if terms.rail == Rail.ATOMIC:
                raise WrongRail("ATOMIC", "ESCROW")
            check_feasible(terms, at, self.stage.view.facts(terms))
            self._fund(terms, at)

        escrow = self.stage.escrow(STRANGER.address)
        return self._both("open", mine, lambda: escrow.open(Opening(agreement)))

    def swap(self, terms: Terms, goods: Credits) -> str:
        """An atomic deal."""
        at = self.stage.at(self.stage.view.now() + 5)
        agreement = self.stage.agreement(terms)

        def mine() -> None:
            if terms.rail != Rail.ATOMIC:
                raise WrongRail(Rail(terms.rail).name, "ATOMIC")
            given = "0x" + goods.struct_hash().hex()
            if given != terms.goods:
                raise WrongGoods(terms.goods, given)
            check_feasible(terms, at, self.stage.view.facts(terms))
            fee = share(terms.price, terms.fee_bps)
            self._move(terms, terms.buyer, -terms.price)
            self._move(terms, terms.seller, terms.price - fee)
            self._move(terms, FEE_RECIPIENT, fee)

        escrow = self.stage.escrow(STRANGER.address)
        return self._both("swap", mine, lambda: escrow.swap(agreement, goods))

    def open_series(self, opened: Series, by: tuple[Party, Party] = (BUYER, SELLER)) -> str:
        """A series of deals, by a stranger, signed as by two parties."""
        at = self.stage.at(self.stage.view.now() + 5)
        members = series(opened.terms, opened.owns)
        signed = bulk_of_terms(members).digest(self.stage.view.domain)
        buyer, seller = (party.sign(signed) for party in by)

        def mine() -> None:
            taken: set[tuple[str, int]] = set()
            for terms in members:
                check_feasible(terms, at, self.stage.view.facts(terms))
                for who, nonce in ((BUYER, terms.buyer_nonce), (SELLER, terms.seller_nonce)):
                    if (who.address, nonce) in taken:
                        raise NonceSpent(who.address, nonce)
                    taken.add((who.address, nonce))
            for who, party in ((BUYER, by[0]), (SELLER, by[1])):
                if party != who:
                    raise WrongSigner(who.address, party.address)
            for terms in members:
                self._fund(terms, at)

        escrow = self.stage.escrow(STRANGER.address)
        return self._both("openSeries", mine, lambda: escrow.open_series(opened, buyer, seller))

    def redeem_series(self, redeemed: Series, amount: int, by: Party = BUYER) -> str:
        """One amount in each of the deals that takes it."""
        at = self.stage.at(self.stage.view.now() + 5)
        domain = self.stage.view.domain
        deals = [terms.digest(domain) for terms in series(redeemed.terms, redeemed.owns)]
        voucher = by.sign(bulk_of_vouchers(deals, amount).digest(domain))
        expected = voucher_signer(redeemed.terms)

        def mine() -> None:
            if redeemed.terms.rail == Rail.EXCHANGE:
                raise WrongRail("EXCHANGE", "ESCROW")
            if by.address != expected:
                raise WrongSigner(expected, by.address)
            for deal in deals:
                held, terms = self.deals.get(deal, Deal()), redeemed.terms
                figures = Operation.REDEEM, STRANGER.address, at, ZERO_DIGEST, amount, 0
                call = Call(deal, *figures, frozenset({expected}))
                with suppress(ParleyError):
                    self._apply(held, terms, call)

        escrow = self.stage.escrow(STRANGER.address)
        return self._both(
            "redeemSeries", mine, lambda: escrow.redeem_series(redeemed, amount, voucher)
        )

    def step(self, deal: str, step: Step) -> str:
        """One call about an open deal; returns how it went."""
        held, terms = self.deals[deal], self.terms[deal]
        named = step.when
        if named[0] == "right":
            named = _RIGHT.get(step.operation, "soon"), named[1]
        at = self.stage.at(self._instant(held, terms, named))
        by = self._caller(terms, step) if step.by == "right" else step.by
        amount, bond = self._amount(held, terms, step.amount), self._bond(terms, step.bond)
        signers = self._signers(terms, step)
        valid_before = at + step.lasts
        figures = step.operation, by, at, step.digest, amount, bond
        call = Call(deal, *figures, frozenset(signers), valid_before)
        signatures = self._signatures(call, terms, step, signers)
        move = Move(step.operation, step.digest, amount, bond, valid_before, signatures)
        return self._both(
            step.operation.value,
            lambda: self._apply(held, terms, call),
            lambda: self.stage.escrow(by).operate(terms, move),
        )

    # -------------------------------------------------------------- accounts

    def deposit(self, who: str, amount: int) -> str:
        """Into the escrow."""

        def mine() -> None:
            self._pay(who, -amount, inside=0)
            held = self.accounts[who].inside
            self.accounts[who] = Bound(held + amount, bound=True)

        account = self.stage.account(who)
        return self._both("deposit", mine, lambda: account.deposit(self.stage.token, amount))

    def announce(self, who: str) -> str:
        """That it leaves."""
        at = self.stage.at(self.stage.view.now() + 5)

        def mine() -> None:
            held = self.accounts[who]
            if not held.is_bound(at):
                raise AccountUnbound(who)
            if held.leaves_at:
                raise AccountBound(who, held.leaves_at, at)
            held.leaves_at = at + NOTICE

        return self._both("announce", mine, self.stage.account(who).announce)

    def withdraw(self, who: str, amount: int, beside: int = 0) -> str:
        """Out of the escrow; where it has announced, so many seconds beside its leaving."""
        held = self.accounts[who]
        at = self.stage.at(held.leaves_at + beside)

        def mine() -> None:
            held.check_free(who, at)
            self._pay(who, -amount, inside=1)
            self.wallets[who] += amount

        account = self.stage.account(who)
        return self._both("withdraw", mine, lambda: account.withdraw(self.stage.token, who, amount))

    def cancel(self, who: str, nonce: int) -> str:
        """A nonce that was never used."""
        at = self.stage.at(self.stage.view.now() + 5)
        return self._both(
            "cancel",
            lambda: self.accounts[who].check_free(who, at),
            lambda: self.stage.account(who).cancel(nonce),
        )

    # -------------------------------------------------------------- comparing

    def _both(self, name: str, mine: Callable[[], object], theirs: Callable[[], object]) -> str:
        expected, actual = refusal(mine), refusal(theirs)
        if expected and actual and expected[0] == actual[0] == "WrongSigner":
            # The deal machine knows no signatures: not who signed instead.
            expected[1]["recovered"] = actual[1]["recovered"]
        assert actual == expected, name
        if expected is None:
            # What is refused is refused by the estimate of its gas, so nothing was mined.
            self.check()
        outcome = expected[0] if expected else "taken"
        self.outcomes.add((name, outcome))
        return outcome

    def check(self) -> None:
        """Every position and balance is the same in both."""
        view, token = self.stage.view, self.stage.token
        for deal, held in self.deals.items():
            assert view.position(deal) == held
        for who, amount in self.wallets.items():
            assert view.balance(token, who) == amount, who
        for who in (BUYER.address, SELLER.address):
            known, holding = self.accounts[who], view.holding(token, who)
            assert (holding.amount, holding.leaves_at) == (known.inside, known.leaves_at)
            assert holding.bound == known.is_bound(view.now())

    # -------------------------------------------------------------- money

    def _fund(self, terms: Terms, at: int) -> None:
        bits = ((terms.buyer, BUYER_INSIDE), (terms.seller, SELLER_INSIDE))
        inside = sum(bit for who, bit in bits if self.accounts[who].is_bound(at))
        self._pay(terms.buyer, -terms.price, inside & BUYER_INSIDE)
        self._pay(terms.seller, -terms.bond, inside & SELLER_INSIDE)
        deal = terms.digest(self.stage.view.domain)
        self.deals[deal], self.terms[deal] = opened(at, inside), terms

    def _apply(self, held: Deal, terms: Terms, call: Call) -> None:
        after, paid = apply(held, terms, call)
        if paid.staked:
            lasts = self.accounts[terms.buyer].inside >= paid.staked
            self._pay(terms.buyer, -paid.staked, held.inside & BUYER_INSIDE and lasts)
        self._pay_out(terms, held.inside, paid)
        self.deals[call.deal] = after

    def _pay_out(self, terms: Terms, inside: int, paid: Payout) -> None:
        self._pay(terms.seller, paid.to_seller, inside & SELLER_INSIDE)
        self._pay(terms.buyer, paid.to_buyer, inside & BUYER_INSIDE)
        self._pay(FEE_RECIPIENT, paid.fee, 0)
        if paid.to_arbiter:
            self._pay(terms.arbiter, paid.to_arbiter, 0)

    def _pay(self, who: str, amount: int, inside: int) -> None:
        known = self.accounts[who].inside if inside else self.wallets[who]
        if known + amount < 0:
            raise (BalanceShort if inside else FundsShort)(who, known, -amount)
        if inside:
            self.accounts[who].inside += amount
        else:
            self.wallets[who] += amount

    def _move(self, terms: Terms, who: str, amount: int) -> None:
        assert terms.token == self.stage.token
        self._pay(who, amount, 0)

    # -------------------------------------------------------------- names to figures

    def _instant(self, held: Deal, terms: Terms, named: tuple[str, int]) -> int:
        name, beside = named
        if name == "soon":
            return self.stage.view.now() + 5
        return (
            beside
            + {
                "delivery": delivery_deadline(held, terms),
                "review": review_deadline(held, terms),
                "arbitration": arbitration_deadline(held, terms),
                "grace": grace_deadline(held, terms),
                "last notice": delivery_deadline(held, terms) - terms.notice_window,
            }[name]
        )

    def _caller(self, terms: Terms, step: Step) -> str:
        exchange = terms.rail == Rail.EXCHANGE
        judge = terms.arbiter if terms.arbiter in self.stage.hands else STRANGER.address
        return {
            Operation.DELIVER: judge if exchange else terms.seller,
            Operation.CLAIM: terms.seller,
            Operation.CLOSE: terms.seller,
            Operation.NOTICE: terms.seller,
            Operation.RESOLVE: judge,
            Operation.REDEEM: STRANGER.address,
            Operation.EXPIRE: STRANGER.address,
            Operation.SETTLE: STRANGER.address,
        }.get(step.operation, terms.buyer)

    def _amount(self, held: Deal, terms: Terms, named: str) -> int:
        owed = due(held, terms)
        return {
            "nothing": 0,
            "released": held.released,
            "one more": held.released + 1,
            "half": (held.released + owed) // 2,
            "due": owed,
            "above due": owed + 1,
            "price": terms.price,
            "above price": terms.price + 1,
        }[named]

    def _bond(self, terms: Terms, named: str) -> int:
        figures = {"nothing": 0, "half": terms.bond // 2, "whole": terms.bond}
        return figures.get(named, terms.bond + 1)

    def _signers(self, terms: Terms, step: Step) -> list[str]:
        if step.signed == "nobody":
            return []
        if step.signed != "right":
            return [step.signed]
        if step.operation is Operation.SETTLE:
            return [terms.buyer, terms.seller]
        return [voucher_signer(terms)]

    def _signatures(
        self, call: Call, terms: Terms, step: Step, signers: list[str]
    ) -> tuple[str, ...]:
        settling = step.operation is Operation.SETTLE
        count = 2 if settling else 1
        if not signers:
            return ("",) * count
        word = (
            Settlement(call.deal, call.amount, call.bond_to_seller, call.valid_before)
            if settling
            else Voucher(call.deal, call.amount)
        )
        digest = word.digest(self.stage.view.domain)
        made = {who: PARTIES[who].sign(digest) for who in signers}
        if settling:
            # Who signed alone signed in both places: in one of them it is right.
            alone = made[signers[0]]
            return made.get(terms.buyer, alone), made.get(terms.seller, alone)
        return (made[signers[0]],)


def escrow_terms(stage: Stage, nonce: int, **changes: object) -> Terms:
    """Terms on the escrow rail without an arbiter, but for the changes."""
    plain = Terms(
        buyer=BUYER.address,
        seller=SELLER.address,
        token=stage.token,
        price=10_001,
        fee_bps=333,
        fee_recipient=FEE_RECIPIENT,
        rail=Rail.ESCROW,
        open_by=stage.view.now() + 1800,
        subject=PROOF,
        previous=ZERO_DIGEST,
        buyer_nonce=nonce,
        seller_nonce=nonce,
        buyer_epoch=0,
        seller_epoch=0,
        bond=999,
        delivery_window=3600,
        review_window=600,
        notice_window=0,
        voucher_signer=ZERO_ADDRESS,
        arbiter=ZERO_ADDRESS,
        arbiter_fee=0,
        arbitration_window=0,
        default_seller_bps=0,
        goods=ZERO_DIGEST,
        bundle=ZERO_DIGEST,
    )
    return replace(plain, **changes)
