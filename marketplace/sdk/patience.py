"""Patience: what may succeed later is asked again, and not all at once."""

import time
from collections.abc import Callable
from typing import TypeVar

from marketplace.adapters.system import random_below
from marketplace.core.errors import RateExceeded, Unavailable

T = TypeVar("T")

# Before each further attempt, in seconds: together longer than a registry takes to restart.
PAUSES = (0.1, 0.4, 1.5, 3.0)
# A registry that names a longer wait than this is not waited for.
LONGEST_WAIT = 30.0
# A pause is drawn from its upper half, so that many who failed together come back apart.
_JITTER = 1_000


def patiently(act: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
    """The act's result, tried once more after each pause while it is Unavailable.

    Raises:
        ParleyError: what the act raised last; another refusal than Unavailable at once.
    """
    for pause in PAUSES:
        try:
            return act()
        except Unavailable as refused:
            wait = wait_of(refused, pause)
            if wait > LONGEST_WAIT:
                raise
        sleep(wait)
    return act()


def wait_of(refused: Unavailable, pause: float) -> float:
    """Seconds to wait before the next attempt: drawn from half the pause to all of it.

    Who was told when to come again comes then, and no earlier.
    """
    drawn = pause * (_JITTER + random_below(_JITTER + 1)) / (2 * _JITTER)
    return drawn + max(0, refused.retry_after) if isinstance(refused, RateExceeded) else drawn
