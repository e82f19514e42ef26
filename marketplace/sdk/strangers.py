"""Strangers: how often those who are not known yet may begin something."""

import math
import threading
import time
from collections.abc import Callable

from marketplace.core.errors import RateExceeded

BURST = 20.0
PER_SECOND = 1.0


class Strangers:
    """One bucket for all of them: whoever has no name can have as many as it likes."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._left = BURST
        self._at = monotonic()
        self._lock = threading.Lock()

    def admit(self) -> None:
        """One more beginning; raises RateExceeded."""
        with self._lock:
            now = self._monotonic()
            self._left = min(BURST, self._left + (now - self._at) * PER_SECOND)
            self._at = now
            if self._left < 1:
                raise RateExceeded("strangers", math.ceil((1 - self._left) / PER_SECOND))
            self._left -= 1
