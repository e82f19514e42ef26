"""Pulse: a seller is heard while it serves, where its listings ask it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from marketplace.sdk import Client, Listed, ParleyError

# So often within a heartbeat, so that one that is lost does not end the listing.
BEATS = 3
# How soon a listing that was published meanwhile is found.
LOOK_SECONDS = 5.0

Tell = Callable[[Exception], object]


@contextmanager
def pulse(client: Client, tell: Tell) -> Iterator[None]:
    """Keep the client's listings alive from another thread; ``tell`` hears of what failed."""
    over, heart = threading.Event(), Heart(client, tell)
    thread = threading.Thread(target=heart.run, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@dataclass
class Heart:
    """The listings that ask for a heartbeat, and when each is due.

    What was found once is kept alive even where a search shows it no more: one that is sold
    out for the moment, or that counts as dead because the registry was away.
    """

    client: Client
    tell: Tell
    monotonic: Callable[[], float] = time.monotonic
    _due: dict[str, tuple[Listed, float]] = field(default_factory=dict)

    def run(self, over: threading.Event) -> None:
        """Beat until it is over."""
        while True:
            self.beat()
            periods = (one.content.heartbeat / BEATS for one, _ in self._due.values())
            if over.wait(min(LOOK_SECONDS, *periods, LOOK_SECONDS)):
                return

    def beat(self) -> None:
        """Look for new listings, and say of each that is due that it is alive."""
        try:
            self._look()
        except Exception as error:  # noqa: BLE001 what the registry fails is asked again
            self.tell(error)
        for listed, due in tuple(self._due.values()):
            if self.monotonic() >= due:
                self._say(listed)

    def _look(self) -> None:
        for one in self.client.browse(seller=self.client.address):
            if one.content.heartbeat:
                self._due.setdefault(one.digest, (one, self.monotonic()))
                self._due.pop(one.header.replaces, None)

    def _say(self, listed: Listed) -> None:
        next_at = self.monotonic() + listed.content.heartbeat / BEATS
        try:
            self.client.heartbeat(listed)
            self._due[listed.digest] = listed, next_at
        except ParleyError as error:
            self.tell(error)
            if not error.retryable:
                # Expired, or no longer this party's: there is nothing to keep alive.
                del self._due[listed.digest]
