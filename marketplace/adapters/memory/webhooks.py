"""Webhooks in dicts."""

from dataclasses import replace

from marketplace.ports.webhooks import DeadLetter, Subscription


class MemoryWebhooks:
    """``ports.webhooks.WebhookStore``."""

    def __init__(self) -> None:
        super().__init__()
        self._subscriptions: dict[str, Subscription] = {}
        self._letters: dict[tuple[str, int], DeadLetter] = {}

    async def subscribe(self, subscription: Subscription, most: int) -> bool:
        """Keep a subscription; False where the account has ``most`` already."""
        mine = await self.subscriptions(subscription.account)
        if sum(known.id != subscription.id for known in mine) >= most:
            return False
        self._subscriptions.setdefault(subscription.id, subscription)
        return True

    async def subscriptions(self, account: str) -> list[Subscription]:
        """An account's subscriptions."""
        ordered = sorted(self._subscriptions.values(), key=lambda known: known.id)
        return [known for known in ordered if known.account == account]

    async def unsubscribe(self, account: str, subscription: str) -> bool:
        """End one with all its dead letters; False where the account has no such."""
        known = self._subscriptions.get(subscription)
        if known is None or known.account != account:
            return False
        del self._subscriptions[subscription]
        letters = self._letters.items()
        self._letters = {key: letter for key, letter in letters if key[0] != subscription}
        return True

    async def ready(self, now: int, limit: int) -> list[Subscription]:
        """Subscriptions that are not disabled and whose next attempt is not later."""
        ordered = sorted(self._subscriptions.values(), key=lambda known: (known.next_at, known.id))
        return [k for k in ordered if not k.disabled and k.next_at <= now][:limit]

    async def moved(self, subscription: Subscription, dead: DeadLetter | None) -> None:
        """Keep a subscription's new cursor and attempts, and the letter it gave up, at once."""
        known = self._subscriptions.get(subscription.id)
        if known is None:
            return
        self._subscriptions[known.id] = replace(
            known,
            following=subscription.following,
            attempts=subscription.attempts,
            next_at=subscription.next_at,
            disabled=subscription.disabled,
        )
        if dead is not None:
            self._letters[dead.subscription, dead.index] = dead

    async def enable(self, subscription: str, now: int) -> None:
        """Let one that is disabled go on where it stopped, as if nothing had failed."""
        known = self._subscriptions.get(subscription)
        if known is not None and known.disabled:
            fresh = replace(known, disabled=False, attempts=0, next_at=now)
            self._subscriptions[subscription] = fresh

    async def rotate(self, subscription: str, secret: str, until: int) -> bool:
        """Give a new secret; the one before it is the old one, until an instant."""
        known = self._subscriptions.get(subscription)
        if known is None:
            return False
        self._subscriptions[subscription] = replace(
            known, secret=secret, old_secret=known.secret, old_until=until
        )
        return True

    async def dead_letters(self, subscription: str, limit: int) -> list[DeadLetter]:
        """What was given up, newest first."""
        mine = [letter for letter in self._letters.values() if letter.subscription == subscription]
        return sorted(mine, key=lambda letter: (-letter.at, -letter.index))[:limit]

    async def bury(self, subscription: str, index: int) -> bool:
        """Forget a dead letter; False where there is none."""
        return self._letters.pop((subscription, index), None) is not None
