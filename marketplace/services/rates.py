"""Rates: token buckets, one for each address and one for each key.

A bucket holds ``burst`` tokens and gains ``per_second`` of them; a request takes one. What
is counted is in the memory of one worker: N workers let N times as much through.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from math import ceil

from marketplace.core.errors import RateExceeded

MOST_BUCKETS = 100_000


@dataclass(frozen=True, slots=True)
class Rates:
    """How often one name may ask.

    Attributes:
        per_second: tokens gained a second; 0 lets everything through.
        burst: tokens that an idle name has saved up.
    """

    per_second: float
    burst: float
    _buckets: "OrderedDict[str, tuple[float, float]]" = field(default_factory=OrderedDict)

    def take(self, name: str, now: float, cost: int = 1) -> None:
        """Take tokens at an instant of any steady clock; raises RateExceeded without one.

        Who has one may take more than it has, and waits until they are gained.
        """
        if not self.per_second:
            return
        tokens, since = self._buckets.pop(name, (self.burst, now))
        tokens = min(self.burst, tokens + (now - since) * self.per_second)
        taken = tokens >= 1
        # Last in the order: the bucket that was asked longest ago is forgotten first.
        self._buckets[name] = (tokens - cost if taken else tokens, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        if not taken:
            raise RateExceeded(name, ceil((1 - tokens) / self.per_second))

    def give_back(self, name: str) -> None:
        """A token that was taken for nothing."""
        if name in self._buckets:
            tokens, since = self._buckets[name]
            self._buckets[name] = min(self.burst, tokens + 1), since
