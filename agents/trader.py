"""Traders: a whole deal from one side, from the first word to the money.

``buy`` and ``sell`` are what the README shows; each line of them is the public SDK.
"""

from dataclasses import dataclass

from agents.faults import NoDeal
from agents.goods import Demand, Supply
from agents.negotiator import Negotiator, Strategy
from marketplace.sdk import Client, DealState, Listed, Rules, Settlement, Talk

FUNDED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Purchase:
    """A settled purchase: the deliverable and the deal it came by."""

    data: bytes
    deal: Settlement


def agree(client: Client, talk: Talk, strategy: Strategy, good: Supply | Demand) -> Settlement:
    """Negotiate to an agreement; raises NoDeal."""
    agreement = Negotiator(talk, strategy, good).run()
    if agreement is None:
        raise NoDeal(talk.state, "an agreement")
    return client.settle(agreement)


def buy(
    client: Client, listed: Listed, strategy: Strategy, good: Demand, request: bytes = b""
) -> Purchase:
    """Invite, negotiate, open, wait for the delivery, check it, release.

    What does not pass the check is not released: the check's error says why.
    """
    deal = agree(client, client.invite(listed, request, Rules()), strategy, good)
    deal.open()
    return receive(deal, good)


def receive(deal: Settlement, good: Demand) -> Purchase:
    """Wait for the delivery of an open deal, check it, release the charge."""
    window = float(deal.agreement.terms.delivery_window)
    position = deal.wait({DealState.DELIVERED, DealState.REFUNDED}, window)
    data = deal.fetch()
    good.check(deal.agreement, data, position.charge)
    deal.release()
    return Purchase(data, deal)


def sell(client: Client, talk: Talk, strategy: Strategy, good: Supply) -> Settlement:
    """Negotiate, wait for the money, produce, deliver, wait for the release.

    Work begins only when the deal is funded: an agreement alone is a promise.
    """
    deal = agree(client, talk, strategy, good)
    deal.wait({DealState.FUNDED}, FUNDED_SECONDS)
    data, charge = good.produce(deal.agreement)
    deal.deliver(data, charge)
    deal.wait({DealState.RELEASED}, float(deal.agreement.terms.review_window))
    return deal
