"""The demo's cast: who sells what, who wants what, and at which price each would walk away.

Nothing here is known to the other side: a listing shows a range, a strategy is private.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agents.compute import Compute
from agents.data import CHUNK_DIGESTS, Rows, Table
from agents.negotiator import Strategy
from agents.offering import BOULWARE, CONCEDER, LINEAR, TimeDependent
from agents.preferences import Interest, Preferences
from agents.providers.compute import Job, module
from agents.providers.dataset import Dataset
from marketplace.sdk import Content, Issue, Limits, OutcomeSpace, Rules, SettlementRules

QUEENS = 12
MINUTE, HOUR = 60, 3600
BUYER = "buyer"
COMPUTE, DATA, SILENT = "compute-seller", "data-seller", "silent-seller"
PARTIES = (BUYER, COMPUTE, DATA, SILENT)
RULES = Rules(lasts=120, max_rounds=20)


def compute_listing(token: str, title: str) -> Content:
    """Fuel for WebAssembly, with a bond of a tenth of the price."""
    issues = (
        Issue("unit_price", 10, 100),
        Issue("quantity", 1, 100),
        Issue("delivery_window", 5 * MINUTE, 2 * HOUR, 5 * MINUTE),
    )
    rules = SettlementRules(token, bond_bps=1_000, review_window=HOUR)
    return Content("compute", title, "million fuel", OutcomeSpace(issues), {}, rules)


def data_listing(token: str) -> Content:
    """The daylight table by chunks, each chunk's digest in the listing."""
    table = Table(Dataset.load())
    digests = table.rows.chunk_digests
    issues = (
        Issue("unit_price", 100, 2_000),
        Issue("quantity", 1, len(digests)),
        Issue("delivery_window", 5 * MINUTE, HOUR, 5 * MINUTE),
    )
    return Content(
        kind="data",
        title="Minutes of daylight by day and latitude",
        unit="chunk of rows",
        space=OutcomeSpace(issues),
        attributes={CHUNK_DIGESTS: " ".join(digests), "licence": "Apache-2.0"},
        settlement=SettlementRules(token, review_window=HOUR),
    )


def strategy(
    curve: TimeDependent, best: Mapping[str, int], reserved: float, **at_least: int
) -> Strategy:
    """Price first, then quantity, then time: the weights all parties here share."""
    weights = {"unit_price": 0.6, "quantity": 0.25, "delivery_window": 0.15}
    interests = {name: Interest(weights[name], value) for name, value in best.items()}
    return Strategy(Preferences(interests, reserved, at_least), curve)


def seller_strategy(content: Content) -> Strategy:
    """Dear, much, and no hurry; walks away below 0.45."""
    best = {issue.name: issue.high for issue in content.space}
    return strategy(BOULWARE, best, 0.45)


@dataclass(frozen=True, slots=True)
class Errand:
    """What the buyer is sent to buy: how to find it, what it is worth, what to ask for."""

    kind: str
    listing: Mapping[str, str]
    strategy: Strategy
    request: bytes = b""


def queens() -> Compute:
    """The job: every placement of twelve queens, 51.3 million units of fuel."""
    return Compute(Job(module("search"), bytes([QUEENS])))


def errands() -> tuple[Errand, ...]:
    """Three deals: two that are kept and one that is not."""
    need = {"unit_price": 10, "quantity": 60, "delivery_window": 5 * MINUTE}
    rows = {"unit_price": 100, "quantity": 40, "delivery_window": 5 * MINUTE}
    job = queens().request
    return (
        Errand(
            "compute",
            {"kind": "compute", "text": "by the million"},
            strategy(LINEAR, need, 0.4, quantity=52),
            job,
        ),
        Errand("data", {"kind": "data"}, strategy(CONCEDER, rows, 0.35)),
        Errand(
            "undelivered",
            {"kind": "compute", "text": "bargain"},
            strategy(LINEAR, need, 0.4, quantity=52),
            job,
        ),
    )


def buyer_limits(token: str) -> Limits:
    """What the buyer's human allows, whatever its strategy would like."""
    return Limits(token, most_exposure=100_000, highest_unit_price=1_500, most_quantity=200)


def seller_limits(token: str) -> Limits:
    """A seller risks its bond and sells nothing below cost."""
    return Limits(token, most_exposure=5_000, lowest_unit_price=12, most_quantity=200)


def demand(errand: Errand, content: Content) -> Compute | Rows:
    """How the buyer recognises what it bought."""
    return Rows.listed(content) if errand.kind == "data" else queens()
