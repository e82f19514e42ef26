"""A shop: sells to whoever invites, and lets nobody occupy it for free.

A talk holds no thread while its buyer thinks, an agreement none until it is funded: what
costs nothing holds nothing but memory, and each word is answered in the order of its
coming. Threads are for words that came and for work that is paid.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from agents.faults import NoDeal
from agents.goods import Supply
from agents.negotiator import Negotiator
from agents.preferences import Ranked, rank
from agents.strategies import Strategy
from agents.trader import fulfil
from marketplace.sdk import (
    Client,
    Content,
    DealState,
    ParleyError,
    Reason,
    Settlement,
    State,
    Talk,
)

ANSWERS_AT_ONCE = 64
DEALS_AT_ONCE = 32
LONGEST_TALK = 900
LOOK_SECONDS = 0.2
# How long a buyer may take to send what it asks for, and how often that is looked for.
REQUEST_SECONDS = 10.0
ASK_SECONDS = 1.0
# What is funded is counted as soon as it is seen; what comes back, this often.
STOCK_SECONDS = 5.0

AWAY = "Unavailable"
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
    that shared it are told in the same step that they cannot be served.
    """
    shop = Shop(client, strategy, supply, tell)
    with ThreadPoolExecutor(ANSWERS_AT_ONCE) as desks, ThreadPoolExecutor(DEALS_AT_ONCE) as benches:
        till = threading.Thread(target=shop.watch, args=(desks, benches))
        till.start()
        try:
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
    unanswered: bool = False
    over: bool = False
    talk: Talk | None = None
    met: float = field(default_factory=time.monotonic)
    asked: float = 0.0
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
    # Scoring a listing's outcomes costs more than all the rest of a talk: once for all of them.
    _plans: dict[str, tuple[Strategy, Sequence[Ranked]]] = field(default_factory=dict)

    def hear(self, talk: str, desks: ThreadPoolExecutor) -> None:
        """A word came in: have it answered, once however many came."""
        self._enqueue(self._sales.setdefault(talk, Sale()), talk, desks)

    def _enqueue(self, sale: Sale, talk: str, desks: ThreadPoolExecutor) -> None:
        if not (sale.queued or sale.over):
            sale.queued = True
            desks.submit(self._guarded, sale, self._answer, talk)

    def watch(self, desks: ThreadPoolExecutor, benches: ThreadPoolExecutor) -> None:
        """See who funds, whose time has passed, and whom a sale leaves without; until closed."""
        taken = time.monotonic()
        while not self.closed.wait(LOOK_SECONDS):
            sold = False
            for talk, sale in tuple(self._sales.items()):
                if sale.unanswered and time.monotonic() >= sale.asked + ASK_SECONDS:
                    self._enqueue(sale, talk, desks)
                elif not sale.lock.locked():
                    self._guarded(sale, self._look, benches)
                if sale.over:
                    # A later word would begin anew: an offer that was left can be accepted yet.
                    sold = sold or sale.deal is not None
                    self._sales.pop(talk)
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
                # What a part that did not answer has cost is an attempt, not the sale.
                sale.over = not (isinstance(error, ParleyError) and error.code.endswith(AWAY))
                self.tell(error)

    def _answer(self, sale: Sale, talk: str) -> None:
        sale.queued, sale.unanswered, sale.asked = False, True, time.monotonic()
        if sale.negotiator is None:
            sale.talk = sale.talk or self.client.talk(talk)
            self._meet(sale, sale.talk)
        if sale.negotiator is None:
            return
        state = sale.negotiator.answer()
        sale.unanswered = False
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
        if not talk.arrived and sale.asked < sale.met + REQUEST_SECONDS:
            return  # no thread waits for it: whoever never sends it would hold one for free
        sale.supply = supplied(talk, self.supply)
        strategy, ranked = self._plan(talk.content)
        sale.negotiator = Negotiator(talk, strategy, sale.supply, ranked=ranked)

    def _plan(self, content: Content) -> tuple[Strategy, Sequence[Ranked]]:
        if content.digest not in self._plans:
            strategy = self.strategy(content)
            self._plans[content.digest] = strategy, rank(strategy.preferences, content.space)
        return self._plans[content.digest]

    def _look(self, sale: Sale, benches: ThreadPoolExecutor) -> None:
        if sale.talk is None or sale.deal is None:
            if sale.talk is not None and sale.talk.state is State.FAILED:
                raise NoDeal(State.FAILED, "ACCEPTED")
            return
        # Asked once: the shop waits for many at a time.
        position = sale.deal.wait({DealState.FUNDED}, until=0)
        if position.state is DealState.FUNDED:
            sale.over = True
            benches.submit(self._fulfil, sale)
        elif sale.talk.now() >= sale.deal.agreement.terms.open_by:
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
        if sale.talk is not None:
            sale.talk.dismiss(Reason.UNSERVABLE)
            raise NoDeal(Reason.UNSERVABLE.name, DealState.FUNDED.name)


def supplied(talk: Talk, supply: Callable[[Talk], Supply]) -> Supply:
    """What to sell in a talk; who asks for nonsense, or for too long, is told no at once."""
    if not talk.arrived:
        talk.reject(Reason.UNACCEPTABLE)
        raise NoDeal("no request", f"its bytes in {REQUEST_SECONDS} s")
    if talk.remaining > LONGEST_TALK:
        talk.reject(Reason.UNACCEPTABLE)
        raise NoDeal(f"{talk.remaining} s to the deadline", f"at most {LONGEST_TALK} s")
    try:
        return supply(talk)
    except Exception:
        talk.reject(Reason.UNACCEPTABLE)
        raise
