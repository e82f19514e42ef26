"""The webhooks port: who is called back, and what has yet to be delivered.

A subscription has one cursor into the log: what lies behind it was delivered or given up,
so that a crash repeats at most the delivery that it interrupted.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Subscription:
    """A party's wish to be called.

    Attributes:
        id: random; names it to its owner.
        account: whose messages it is about, and who alone sees and ends it.
        url: where they are posted; https, or http where the operator allows it.
        secret: shared with the receiver, who verifies with it (Standard Webhooks).
        following: the log index from which entries have yet to be delivered.
        attempts: how often the next one has failed.
        next_at: not before this instant.
        disabled: whether the receiver said that it is gone (410), or failed for too long.
        old_secret: the secret before this one, which signs too until ``old_until``.
        old_until: the instant from which it does not; 0 where there was none.
    """

    id: str
    account: str
    url: str
    secret: str
    following: int
    attempts: int = 0
    next_at: int = 0
    disabled: bool = False
    old_secret: str = ""
    old_until: int = 0

    def secrets(self, now: int) -> tuple[str, ...]:
        """What a call that is made now is signed with, the newest first."""
        return (self.secret, self.old_secret) if now < self.old_until else (self.secret,)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that could not be delivered, kept for its receiver to see and ask again."""

    subscription: str
    index: int
    attempts: int
    reason: str
    at: int


class WebhookStore(Protocol):
    """Where subscriptions and what they missed are kept."""

    async def subscribe(self, subscription: Subscription, most: int) -> bool:
        """Keep a subscription; False where the account has ``most`` already."""
        ...

    async def subscriptions(self, account: str) -> list[Subscription]:
        """An account's subscriptions."""
        ...

    async def unsubscribe(self, account: str, subscription: str) -> bool:
        """End one with all its dead letters; False where the account has no such."""
        ...

    async def ready(self, now: int, limit: int) -> list[Subscription]:
        """Subscriptions not disabled whose ``next_at`` has come, the earliest first."""
        ...

    async def moved(self, subscription: Subscription, dead: DeadLetter | None) -> None:
        """Keep a subscription's new cursor and attempts, and the letter it gave up, at once.

        Of one that has ended meanwhile nothing is kept.
        """
        ...

    async def enable(self, subscription: str, now: int) -> None:
        """Let one that is disabled go on where it stopped, as if nothing had failed."""
        ...

    async def rotate(self, subscription: str, secret: str, until: int) -> bool:
        """Give a new secret; the one before it is the old one, until an instant.

        False where there is no such subscription.
        """
        ...

    async def dead_letters(self, subscription: str, limit: int) -> list[DeadLetter]:
        """What was given up, newest first."""
        ...

    async def bury(self, subscription: str, index: int) -> bool:
        """Forget a dead letter; False where there is none."""
        ...
