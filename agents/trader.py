"""Traders: a whole deal from one side, from the first word to the money.

Each line is the public SDK; what silence of the other side means is written out here:
a buyer whose seller never delivers takes the refund, a seller whose buyer never
releases takes the claim, and one whose arbiter never rules takes what was signed for that.
"""

from dataclasses import dataclass

from agents.faults import Fault, NoDeal, Undelivered
from agents.goods import Demand, Supply
from agents.negotiator import Negotiator
from agents.strategies import Strategy
from marketplace.sdk import Client, DealState, Listed, Rules, Settlement, Talk

ENDS = frozenset({DealState.RELEASED, DealState.RESOLVED, DealState.SETTLED})


@dataclass(frozen=True, slots=True)
class Purchase:
    """A settled purchase: the deliverable and the deal it came by."""

    data: bytes
    deal: Settlement


def agree(client: Client, talk: Talk, strategy: Strategy, good: Supply | Demand) -> Settlement:
    """Negotiate to an agreement; raises NoDeal."""
    agreement = Negotiator(talk, strategy, good).run()
    if agreement is None:
        raise NoDeal(talk.state, "ACCEPTED")
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
    """Wait for the delivery of an open deal, check it, release the charge.

    What does not pass the check is not released; where the terms name an arbiter, which the
    limits have allowed, it is disputed with the check's own words.

    Raises:
        Undelivered: the window passed, or the seller gave up; the money is back.
    """
    position = deal.wait({DealState.DELIVERED, DealState.REFUNDED}, deal.delivery_deadline)
    if position.state is DealState.FUNDED:
        position = deal.refund()
    if position.state is DealState.REFUNDED:
        raise Undelivered(position.state.name, DealState.DELIVERED.name)
    data = deal.fetch()
    try:
        good.check(deal.agreement, data, position.charge)
    except Fault as fault:
        if deal.disputable:
            deal.dispute(str(fault).encode())
        raise
    # By name: what was checked is paid, whatever the chain may say in the meantime.
    deal.release(position.charge)
    return Purchase(data, deal)


def sell(client: Client, talk: Talk, strategy: Strategy, good: Supply) -> Settlement:
    """Negotiate, wait for the money, produce, deliver, wait for the release or claim.

    Work begins only when the deal is funded: an agreement alone is a promise.
    """
    deal = agree(client, talk, strategy, good)
    position = deal.wait({DealState.FUNDED}, deal.agreement.terms.open_by)
    if position.state is not DealState.FUNDED:
        raise NoDeal(position.state.name, DealState.FUNDED.name)
    fulfil(deal, good)
    return deal


def fulfil(deal: Settlement, good: Supply) -> None:
    """As the seller of a funded deal: produce, deliver, wait for the release or claim."""
    try:
        data, charge = good.produce(deal.agreement)
    except Fault:
        # What cannot be produced is not charged, and the buyer need not wait for the window.
        deal.refund()
        raise
    deal.deliver(data, charge)
    collect(deal)


def collect(deal: Settlement) -> None:
    """As the seller of a delivered deal: wait for its end, and see to it where nobody else does."""
    position = deal.wait(ENDS | {DealState.DISPUTED}, deal.review_deadline)
    if position.state is DealState.DELIVERED:
        deal.claim()
    elif position.state is DealState.DISPUTED:
        position = deal.wait(ENDS, deal.arbitration_deadline)
        if position.state is DealState.DISPUTED:
            deal.expire()
