"""A shop: sells to whoever invites, and lets nobody occupy it for free.

A talk holds no thread while its buyer thinks, an agreement none until it is funded: what
costs nothing holds nothing but memory, and each word is answered in the order of its
coming. Threads are for words that came and for work that is paid.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from agents.faults import NoDeal
from agents.goods import Supply
from agents.negotiator import Negotiator
from agents.pulse import pulse
from agents.strategies import Strategy
from agents.trader import fulfil
from marketplace.sdk import Client, Content, DealState, Reason, Settlement, State, Talk

ANSWERS_AT_ONCE = 64
DEALS_AT_ONCE = 32
LONGEST_TALK = 900
LOOK_SECONDS = 0.2
# What is funded is counted as soon as it is seen; what comes back, this often.
STOCK_SECONDS = 5.0

ENDED = (State.TERMINATED, State.FAILED)
Tell = Callable[[Settlement | Exception], object]


def serve(
    client: Client,
    strategy: Callable[[Content], Strategy],
    supply: Callable[[Talk], Supply],
    tell: Tell,
) -> None:
    """Sell to whoever invites, for ever; ``tell`` hears how each talk or deal ended.

    Who sets a deadline further than ``LONGEST_TALK`` away is rejected: a talk is remembered
    here, and an idle inviter must not choose for how long. When a lot is sold, the other talks
    that shared it are told in the same step that they cannot be served. Listings that ask for
    a heartbeat are kept alive as long as this runs.
    """
    shop = Shop(client, strategy, supply, tell)
    with ThreadPoolExecutor(ANSWERS_AT_ONCE) as desks, ThreadPoolExecutor(DEALS_AT_ONCE) as benches:
        till = threading.Thread(target=shop.watch, args=(desks, benches))
        till.start()
        try:
            with pulse(client, tell):
                for talk in client.heard():
                    shop.hear(talk, desks)
        finally:
            shop.closed.set()
            till.join()


@dataclass
class Sale:
    """One talk, and what became of it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    queued: bool = False
    over: bool = False
    negotiator: Negotiator | None = None
    supply: Supply | None = None
    deal: Settlement | None = None


@dataclass
class Shop:
    """A seller's talks and deals; see ``serve``."""

    client: Client
    strategy: Callable[[Content], Strategy]
    supply: Callable[[Talk], Supply]
    tell: Tell
    closed: threading.Event = field(default_factory=threading.Event)
    _sales: dict[str, Sale] = field(default_factory=dict)

    def hear(self, talk: str, desks: ThreadPoolExecutor) -> None:
        """A word came in: have it answered, once however many came."""
        sale = self._sales.setdefault(talk, Sale())
        if not (sale.queued or sale.over):
            sale.queued = True
            desks.submit(self._guarded, sale, self._answer, talk)

    def watch(self, desks: ThreadPoolExecutor, benches: ThreadPoolExecutor) -> None:
        """See who funds, whose time has passed, and whom a sale leaves without; until closed."""
        taken = time.monotonic()
        while not self.closed.wait(LOOK_SECONDS):
            open_sales = [sale for sale in tuple(self._sales.values()) if not sale.over]
            for sale in open_sales:
                if not sale.lock.locked():
                    self._guarded(sale, self._look, benches)
            sold = any(sale.over and sale.deal for sale in open_sales)
            if sold or time.monotonic() >= taken + STOCK_SECONDS:
                self._take_stock(desks)
                taken = time.monotonic()

    def _take_stock(self, desks: ThreadPoolExecutor) -> None:
        try:
            for talk in self.client.take_stock():
                desks.submit(self._guarded, self._sales.get(talk, Sale()), self._dismiss)
        except Exception as error:  # noqa: BLE001 what the chain or the registry fails is asked again
            self.tell(error)

    def _guarded(self, sale: Sale, act: Callable[..., None], *told: object) -> None:
        with sale.lock:
            if sale.over:
                return
            try:
                act(sale, *told)
            except Exception as error:  # noqa: BLE001 one bad buyer must not end the shop, nor silently
                sale.over = True
                self.tell(error)

    def _answer(self, sale: Sale, talk: str) -> None:
        sale.queued = False
        if sale.negotiator is None:
            self._meet(sale, self.client.talk(talk))
        if sale.negotiator is None or sale.deal is not None:
            return
        state = sale.negotiator.answer()
        agreement = sale.negotiator.talk.agreement
        if agreement is not None:
            sale.deal = self.client.settle(agreement)
        elif state in ENDED:
            raise NoDeal(state, "ACCEPTED")

    def _meet(self, sale: Sale, talk: Talk) -> None:
        if talk.buying:
            sale.over = True  # this party's own errand, which is none of the shop's business
            return
        if talk.agreement is None and talk.state in ENDED:
            raise NoDeal(talk.state, "ACCEPTED")
        sale.supply = supplied(talk, self.supply)
        sale.negotiator = Negotiator(talk, self.strategy(talk.content), sale.supply)

    def _look(self, sale: Sale, benches: ThreadPoolExecutor) -> None:
        if sale.deal is None:
            if sale.negotiator is not None and sale.negotiator.talk.state is State.FAILED:
                raise NoDeal(State.FAILED, "ACCEPTED")
            return
        # Asked once: the shop waits for many at a time.
        position = sale.deal.wait({DealState.FUNDED}, until=0)
        if position.state is DealState.FUNDED:
            sale.over = True
            benches.submit(self._fulfil, sale)
        elif sale.negotiator and sale.negotiator.talk.now() >= sale.deal.agreement.terms.open_by:
            raise NoDeal(position.state.name, DealState.FUNDED.name)

    def _fulfil(self, sale: Sale) -> None:
        if sale.deal is None or sale.supply is None:
            return
        try:
            fulfil(sale.deal, sale.supply)
            self.tell(sale.deal)
        except Exception as error:  # noqa: BLE001 as above
            self.tell(error)

    def _dismiss(self, sale: Sale) -> None:
        if sale.negotiator is not None:
            sale.negotiator.talk.dismiss(Reason.UNSERVABLE)
            raise NoDeal(Reason.UNSERVABLE.name, DealState.FUNDED.name)


def supplied(talk: Talk, supply: Callable[[Talk], Supply]) -> Supply:
    """What to sell in a talk; who asks for nonsense, or for too long, is told no at once."""
    if talk.remaining > LONGEST_TALK:
        talk.reject(Reason.UNACCEPTABLE)
        raise NoDeal(f"{talk.remaining} s to the deadline", f"at most {LONGEST_TALK} s")
    try:
        return supply(talk)
    except Exception:
        talk.reject(Reason.UNACCEPTABLE)
        raise
