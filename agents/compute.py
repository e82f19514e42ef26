"""Compute as a good: run a WebAssembly job, bill its fuel, check it.

A unit of quantity is a million units of fuel. The buyer's request is the job; both sides
sign its digest and the engine that meters it. The deliverable is the result with the
fuel used, and the charge is the unit price for each million begun, at most the price.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agents.faults import ChargeWrong
from agents.providers.compute import ENGINE, Bounds, Job, Result, check, module, run
from marketplace.sdk import Agreement, Content, Issue, Outcome, OutcomeSpace, SettlementRules

FUEL_PER_UNIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Compute:
    """One job, for sale or bought: both sides compute the same things from it."""

    job: Job

    @classmethod
    def requested(cls, request: bytes) -> "Compute":
        """From the bytes that a buyer sent; raises JobMalformed."""
        return cls(Job.decode(request))

    @classmethod
    def of(cls, name: str, data: bytes) -> "Compute":
        """One of the shipped modules on an input."""
        return cls(Job(module(name), data))

    @property
    def request(self) -> bytes:
        """What the buyer sends with its invitation."""
        return self.job.encode()

    def delivery(self, outcome: Outcome) -> Mapping[str, str]:
        """Recognised by running the job again on the same engine."""
        del outcome  # the same job whatever its price
        return {"method": "rerun", "job": self.job.digest, "engine": ENGINE}

    def produce(self, agreement: Agreement) -> tuple[bytes, int]:
        """Run the job within the fuel that was bought; raises the sandbox's named fault."""
        result = run(self.job, _bounds(agreement))
        return result.encode(), _charge(agreement, result)

    def check(self, agreement: Agreement, data: bytes, charge: int) -> None:
        """Run the job again and compare output, fuel and charge."""
        result = Result.decode(data)
        check(self.job, result, _bounds(agreement))
        if charge != _charge(agreement, result):
            raise ChargeWrong(charge, _charge(agreement, result))


def listing(
    token: str,
    title: str = "WebAssembly by the million fuel",
    rules: SettlementRules | None = None,
) -> Content:
    """Fuel for sale from 10 to 100 base units a million.

    Args:
        token: of price and bond.
        title: one line for a reader.
        rules: of settlement, an arbiter for example; else a bond of a tenth of the price.
    """
    issues = (
        Issue("unit_price", 10, 100),
        Issue("quantity", 1, 100),
        Issue("delivery_window", 300, 7_200, 300),
    )
    rules = rules or SettlementRules(token, bond_bps=1_000)
    attributes = {"engine": ENGINE}
    return Content("compute", title, "million fuel", OutcomeSpace(issues), attributes, rules)


def _bounds(agreement: Agreement) -> Bounds:
    return Bounds(fuel=agreement.subject.outcome["quantity"] * FUEL_PER_UNIT)


def _charge(agreement: Agreement, result: Result) -> int:
    units = -(-result.fuel_used // FUEL_PER_UNIT)
    return min(agreement.terms.price, units * agreement.subject.outcome["unit_price"])
