"""Subscriptions and dead letters in dictionaries: the least that is right."""

from marketplace.ports.webhooks import DeadLetter, Subscription


class MemoryWebhooks:
    """Nothing survives the process."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, Subscription] = {}
        self._letters: dict[tuple[str, int], DeadLetter] = {}

    async def subscribe(self, subscription: Subscription, most: int) -> bool:
        """Keep a subscription; False where the account has ``most`` already."""
        if len(await self.subscriptions(subscription.account)) >= most:
            return False
        self._subscriptions[subscription.id] = subscription
        return True

    async def subscriptions(self, account: str) -> list[Subscription]:
        """An account's subscriptions."""
        return [one for one in self._subscriptions.values() if one.account == account]

    async def unsubscribe(self, account: str, subscription: str) -> bool:
        """End one with all its dead letters; False where the account has no such."""
        if subscription not in {one.id for one in await self.subscriptions(account)}:
            return False
        del self._subscriptions[subscription]
        self._letters = {key: at for key, at in self._letters.items() if key[0] != subscription}
        return True

    async def ready(self, now: int, limit: int) -> list[Subscription]:
        """Subscriptions not disabled whose ``next_at`` has come, the earliest first."""
        kept = self._subscriptions.values()
        found = [one for one in kept if not one.disabled and one.next_at <= now]
        return sorted(found, key=lambda one: one.next_at)[:limit]

    async def moved(self, subscription: Subscription, dead: DeadLetter | None) -> None:
        """Keep a subscription's new cursor and attempts, and the letter it gave up, at once."""
        if subscription.id not in self._subscriptions:
            return
        self._subscriptions[subscription.id] = subscription
        if dead is not None:
            self._letters[dead.subscription, dead.index] = dead

    async def dead_letters(self, subscription: str, limit: int) -> list[DeadLetter]:
        """What was given up, newest first."""
        found = [letter for letter in self._letters.values() if letter.subscription == subscription]
        return sorted(found, key=lambda letter: (letter.at, letter.index), reverse=True)[:limit]

    async def bury(self, subscription: str, index: int) -> bool:
        """Forget a dead letter; False where there is none."""
        return self._letters.pop((subscription, index), None) is not None
