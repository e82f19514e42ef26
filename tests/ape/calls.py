"""What each operation on a deal takes: a new operation is a row here, then rows of the tests."""

from dataclasses import dataclass

from figures import CHARGE, DELIVERABLE, PART, PRICE, REASONS, RULED, RULED_BOND
from typed import signable


@dataclass(frozen=True, slots=True)
class Move:
    """One call on a deal.

    Attributes:
        operation: the escrow's function, one of CALLS.
        by: the part that calls.
        after: seconds since the block before.
        amounts: what the call names, where it is not the usual.
    """

    operation: str
    by: str
    after: int = 1
    amounts: tuple[int, ...] = ()


FOREVER = 2**40 - 1
OPEN = Move("open", "stranger")
DELIVER = Move("deliver", "seller")
DISPUTE = Move("dispute", "buyer")


def opening(stage):
    """Both signatures, and no funding but the allowances."""
    both = {f"{party}Signature": stage.signature(party) for party in ("buyer", "seller")}
    return [{"terms": stage.terms, **both, "buyerFunding": b"", "sellerFunding": b""}]


def swapped(stage):
    """The credits and both signatures."""
    return [stage.terms, stage.sold, stage.signature("buyer"), stage.signature("seller")]


def vouched(stage, amount=PART):
    """The buyer's voucher over an amount in all."""
    voucher = signable(stage.domain, "Voucher", {"deal": stage.deal, "amount": amount})
    return [stage.terms, amount, stage.signature("buyer", voucher)]


def alone(stage):
    """The deal as a series of one: the four words that it has of its own."""
    return [
        {word: stage.terms[word] for word in ("subject", "previous", "buyerNonce", "sellerNonce")}
    ]


def bulk(stage, part, leaf):
    """A signature over a tree of one leaf."""
    return stage.signature(part, signable(stage.domain, "Bulk", {"root": leaf}))


def series(stage):
    """A series of one, signed by both."""
    both = [bulk(stage, party, stage.signable_terms().body) for party in ("buyer", "seller")]
    return [stage.terms, alone(stage), *both]


def vouched_series(stage, amount=PART):
    """The buyer's voucher for each deal of the series."""
    voucher = signable(stage.domain, "Voucher", {"deal": stage.deal, "amount": amount})
    return [stage.terms, alone(stage), amount, bulk(stage, "buyer", voucher.body)]


def settled(stage, charge=RULED, bond=RULED_BOND, before=FOREVER):
    """The split that both signed."""
    split = {"deal": stage.deal, "charge": charge, "bondToSeller": bond, "validBefore": before}
    message = signable(stage.domain, "Settlement", split)
    both = [stage.signature(party, message) for party in ("buyer", "seller")]
    return [stage.terms, charge, bond, before, *both]


CALLS = {
    "open": opening,
    "openSeries": series,
    "redeemSeries": vouched_series,
    "swap": swapped,
    "deliver": lambda stage, charge=CHARGE: [stage.terms, DELIVERABLE, charge],
    "release": lambda stage, amount=PRICE: [stage.terms, amount],
    "redeem": vouched,
    "claim": lambda stage: [stage.terms],
    "refund": lambda stage: [stage.terms],
    "dispute": lambda stage: [stage.terms, REASONS],
    "resolve": lambda stage, charge=RULED, bond=RULED_BOND: [stage.terms, charge, bond],
    "expire": lambda stage: [stage.terms],
    "settle": settled,
    "notice": lambda stage: [stage.terms],
    "close": vouched,
}
