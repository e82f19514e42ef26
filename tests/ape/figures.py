"""The figures of the one deal: odd ones, so that no two of them meet by accident."""

from eth_utils import keccak

PRICE, BOND, CHARGE, PART, CREDITS = 1_000_003, 50_021, 600_007, 400_009, 77
FEE_BPS, ARBITER_FEE, DEFAULT_BPS = 333, 9_001, 7_001
RULED, RULED_BOND = 500_009, 20_011  # what arbiter or settlement leave the seller
OPEN_WINDOW, DELIVERY, REVIEW, ARBITRATION, NOTICE = 600, 3_600, 1_800, 900, 300
DELIVERABLE, REASONS = keccak(text="what was delivered"), keccak(text="why it is disputed")


def fee(amount: int) -> int:
    """The marketplace's share, rounded down."""
    return amount * FEE_BPS // 10_000


def share(amount: int) -> int:
    """The seller's share where the arbiter is silent, rounded down."""
    return amount * DEFAULT_BPS // 10_000
