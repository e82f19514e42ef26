"""The demo's cast: who sells and wants what, and when each walks away.

Nothing here is known to the other side: a listing shows a range, a strategy is private.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agents import compute, data
from agents.compute import Compute
from agents.data import Rows, Table
from agents.offering import CONCEDER, LINEAR, TimeDependent
from agents.providers.dataset import Dataset
from agents.strategies import Strategy, buyer
from marketplace.sdk import Content, Limits, Rules

QUEENS = 12
BUYER = "buyer"
COMPUTE, DATA, SILENT = "compute-seller", "data-seller", "silent-seller"
PARTIES = (BUYER, COMPUTE, DATA, SILENT)
RULES = Rules(lasts=120, max_rounds=20)
BARGAIN = "A bargain in compute"


@dataclass(frozen=True, slots=True)
class Errand:
    """What the buyer is sent to buy: how to find it, how much it needs, how it gives way."""

    kind: str
    query: Mapping[str, str]
    need: int
    curve: TimeDependent
    request: bytes = b""

    def strategy(self, content: Content) -> Strategy:
        """The buyer's private side of a talk."""
        return buyer(content, self.need, curve=self.curve)

    def demand(self, content: Content) -> Compute | Rows:
        """How the buyer recognises what it bought."""
        return Compute.requested(self.request) if self.request else Rows.listed(content)


def errands() -> tuple[Errand, Errand, Errand]:
    """Three deals: two that are kept and one that is not.

    The job is every placement of twelve queens: 51.3 million units of fuel.
    """
    job = Compute.of("search", bytes([QUEENS])).request
    fuel = {"kind": "compute", "text": "by the million"}
    return (
        Errand("compute", fuel, 52, LINEAR, job),
        Errand("data", {"kind": "data"}, 40, CONCEDER),
        Errand("undelivered", {"kind": "compute", "text": BARGAIN}, 52, LINEAR, job),
    )


def compute_content(token: str) -> Content:
    """What the honest seller of compute lists."""
    return compute.listing(token)


def bargain_content(token: str) -> Content:
    """What the seller lists that will never deliver."""
    return compute.listing(token, BARGAIN)


def data_content(token: str) -> Content:
    """The daylight table by chunks, each chunk's digest in the listing."""
    return data.listing(token, Table(Dataset.load()), "Minutes of daylight by day and latitude")


def buyer_limits(token: str) -> Limits:
    """What the buyer's human allows, whatever its strategy would like."""
    return Limits(token, most_exposure=100_000, highest_unit_price=1_500, most_quantity=100)


def seller_limits(token: str) -> Limits:
    """A seller risks its bond and sells nothing below cost."""
    return Limits(token, most_exposure=5_000, lowest_unit_price=12, most_quantity=100)
