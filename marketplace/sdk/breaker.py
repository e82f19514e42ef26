"""The circuit breaker: who has failed again and again is left alone."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from marketplace.core.errors import ParleyError, RegistryUnavailable, StoreUnavailable

FAILURES = 3
COOL_SECONDS = 5.0
# What says that the other end is down. Every other refusal is an answer, and it is up.
DOWN = (RegistryUnavailable, StoreUnavailable)


class Breaker:
    """Closed; open after so many failures in a row; half open once it has cooled.

    Half open it lets one request through: if that one is answered the breaker closes, if
    it fails it is open again. What counts as one request is the caller's: the registry's
    client counts what it gave up after all its attempts. Safe for use by several threads.

    Args:
        name: the registry's URL, as the refusal tells it.
        failures: in a row, after which it opens.
        cool_seconds: for which it is open.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        name: str,
        failures: int = FAILURES,
        cool_seconds: float = COOL_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._most = failures
        self._cool = cool_seconds
        self._monotonic = monotonic
        self._failed = 0
        self._open_until = 0.0
        self._probing = False
        self._lock = threading.Lock()

    @contextmanager
    def request(self) -> Iterator[None]:
        """One request; raises RegistryUnavailable, and asks nothing, while it is open."""
        probe = self._enter()
        try:
            yield
        except DOWN:
            self._leave(probe=probe, answered=False)
            raise
        except ParleyError:
            self._leave(probe=probe, answered=True)
            raise
        except BaseException:
            # Broken off in the middle: it says nothing of the other end.
            self._leave(probe=probe, answered=None)
            raise
        self._leave(probe=probe, answered=True)

    def _enter(self) -> bool:
        with self._lock:
            if self._failed < self._most:
                return False
            left = self._open_until - self._monotonic()
            if left > 0 or self._probing:
                told = f"left alone for {max(left, 0):.1f} s after {self._failed} failures in a row"
                raise RegistryUnavailable(self._name, told)
            self._probing = True
            return True

    def _leave(self, *, probe: bool, answered: bool | None) -> None:
        with self._lock:
            if probe:
                self._probing = False
            if answered is None:
                return
            self._failed = 0 if answered else self._failed + 1
            if self._failed >= self._most:
                self._open_until = self._monotonic() + self._cool
