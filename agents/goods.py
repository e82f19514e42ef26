"""Goods: what the two sides of a deal do with the thing that is traded.

A good says how its delivery is recognised, which both parties sign; the seller's side
produces it, the buyer's side checks it. ``compute`` and ``data`` are the two here.
"""

from collections.abc import Mapping
from typing import Protocol

from marketplace.sdk import Agreement, Outcome


class Good(Protocol):
    """What both sides must agree on."""

    def delivery(self, outcome: Outcome) -> Mapping[str, str]:
        """How the delivery of an outcome is recognised: what the terms commit to."""
        ...


class Supply(Good, Protocol):
    """The seller's side."""

    def produce(self, agreement: Agreement) -> tuple[bytes, int]:
        """Do the work: the deliverable, and the charge for it in base units."""
        ...


class Demand(Good, Protocol):
    """The buyer's side."""

    def check(self, agreement: Agreement, data: bytes, charge: int) -> None:
        """Raise what is wrong with a deliverable or its charge; silence is consent."""
        ...
