"""The demo's tasks: three sellers and a buyer's three errands, threads.

They share nothing but the network: each seller has its own client, key and limits, and
what one side knows of the other came over the registry or the chain.
"""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any

from agents.compute import Compute
from agents.data import Table
from agents.demo import cast
from agents.demo.network import move_time
from agents.goods import Supply
from agents.negotiator import Negotiator
from agents.providers.dataset import Dataset
from agents.strategies import seller
from agents.trader import agree, receive, sell
from marketplace.sdk import Client, Content, DealState, Devnet, Offer, Settlement, Talk

Tell = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Done:
    """One errand's end: the talk with all its offers, and the deal."""

    kind: str
    seller: str
    talk: Talk
    deal: Settlement
    expected: DealState


def run_deals(net: Devnet, tell: Tell) -> list[Done]:
    """Run all parties at once; returns the buyer's three deals in the order of the cast.

    The first party that fails ends the run with its error; the others end with the network.
    """
    ready = threading.Barrier(len(cast.PARTIES))
    pool = ThreadPoolExecutor(len(cast.PARTIES) + len(cast.errands()))
    sellers = [pool.submit(party, net, ready) for party in (_compute, _data, _silent)]
    buyer = pool.submit(_buyer, net, ready, tell, pool)
    parties: list[Future[Any]] = [*sellers, buyer]
    try:
        for ended in wait(parties, return_when=FIRST_EXCEPTION).done:
            ended.result()
        return buyer.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _compute(net: Devnet, ready: threading.Barrier) -> None:
    content = cast.compute_content(net.token)
    _sell_once(net, ready, cast.COMPUTE, content, lambda talk: Compute.requested(talk.request))


def _data(net: Devnet, ready: threading.Barrier) -> None:
    _sell_once(net, ready, cast.DATA, cast.data_content(net.token), lambda _: Table(Dataset.load()))


def _sell_once(
    net: Devnet,
    ready: threading.Barrier,
    party: str,
    content: Content,
    supply: Callable[[Talk], Supply],
) -> None:
    with net.client(party, cast.seller_limits(net.token)) as client:
        client.publish(content)
        ready.wait()
        talk = next(client.invitations())
        sell(client, talk, seller(content), supply(talk))


def _silent(net: Devnet, ready: threading.Barrier) -> None:
    # Agrees like an honest seller, and is never heard of again.
    content = cast.bargain_content(net.token)
    with net.client(cast.SILENT, cast.seller_limits(net.token)) as client:
        client.publish(content)
        ready.wait()
        talk = next(client.invitations())
        agree(client, talk, seller(content), Compute.requested(talk.request))


def _buyer(
    net: Devnet, ready: threading.Barrier, tell: Tell, pool: ThreadPoolExecutor
) -> list[Done]:
    with net.client(cast.BUYER, cast.buyer_limits(net.token)) as client:
        ready.wait()
        kept, data, broken = cast.errands()
        paid = [pool.submit(_errand, client, errand, tell) for errand in (kept, data)]
        waiting = pool.submit(_open, client, broken, tell)
        wait([*paid, waiting], return_when=FIRST_EXCEPTION)
        done = [future.result() for future in paid]
        return [*done, _refund(net, waiting.result(), tell)]


def _errand(client: Client, errand: cast.Errand, tell: Tell) -> Done:
    done = _open(client, errand, tell)
    receive(done.deal, errand.demand(done.talk.content))
    tell(errand.kind, f"delivered, checked, released {done.deal.position.released}")
    return done


def _open(client: Client, errand: cast.Errand, tell: Tell) -> Done:
    listed = client.search(**errand.query)[0]
    talk = client.invite(listed, errand.request, cast.RULES)
    watch = partial(_told, errand.kind, tell)
    good = errand.demand(listed.content)
    agreement = Negotiator(talk, errand.strategy(listed.content), good, watch).run()
    if agreement is None:
        raise RuntimeError(
            f"{errand.kind}: no agreement after {len(talk.negotiation.offers)} offers"
        )
    deal = client.settle(agreement)
    deal.open()
    tell(errand.kind, f"signed by both, opened for {agreement.terms.price}")
    expected = DealState.REFUNDED if errand.kind == "undelivered" else DealState.RELEASED
    return Done(errand.kind, listed.header.seller, talk, deal, expected)


def _refund(net: Devnet, done: Done, tell: Tell) -> Done:
    # The others have ended, so moving the chain's clock takes no window from them.
    tell(done.kind, "nothing delivered; the window passes")
    move_time(net, done.deal.delivery_deadline)
    done.deal.refund()
    tell(done.kind, f"refunded {done.deal.agreement.terms.price} by the contract")
    return done


def _told(kind: str, tell: Tell, talk: Talk) -> None:
    offers = talk.negotiation.offers
    positions = [_position(offer, talk) for offer in offers[-2:]]
    if positions:
        tell(kind, f"round {len(offers)}: {', '.join(positions)}")


def _position(offer: Offer, talk: Talk) -> str:
    who = "buyer" if offer.signer == talk.negotiation.invitation.buyer else "seller"
    outcome = offer.subject.outcome
    minutes = outcome["delivery_window"] // 60
    return f"{who} {outcome['quantity']} at {outcome['unit_price']} in {minutes} min"
