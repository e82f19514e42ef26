"""Webhooks: what an account can ask for, and ask for again."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from marketplace.core.destination import Reach, destination
from marketplace.core.errors import (
    DeadLetterMissing,
    ReceiverUnavailable,
    WebhookMissing,
    WebhooksFull,
)
from marketplace.core.values import Address
from marketplace.ports.store import Store
from marketplace.ports.webhooks import DeadLetter, Subscription, WebhookStore
from marketplace.services.courier import Courier
from marketplace.wire.webhooks import secret_of

MOST_WEBHOOKS = 8
MOST_LETTERS = 1000
# For so long the secret before a new one signs too: time to bring the new one to every receiver.
OLD_SECRET_SECONDS = 24 * 3600
LONGEST_ID = 80


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What an account can do about its own webhooks.

    Attributes:
        log: what is told.
        webhooks: who is told.
        courier: tells once.
        reach: how far the operator lets the registry be sent.
        random: 32 random bytes as ``0x`` and hex digits.
    """

    log: Store
    webhooks: WebhookStore
    courier: Courier
    reach: Reach
    random: Callable[[], str]

    async def subscribe(self, account: Address, url: str) -> Subscription:
        """Call a URL with all that concerns the account from now on.

        Raises:
            WebhookRefused: the registry does not post there.
            WebhooksFull: the account has as many as it may.
        """
        destination(url, self.reach)
        subscription = Subscription(
            id="wh_" + self.random()[2:34],
            account=account,
            url=url,
            secret=self._secret(),
            following=(await self.log.tree()).size,
        )
        if not await self.webhooks.subscribe(subscription, MOST_WEBHOOKS):
            raise WebhooksFull(account, MOST_WEBHOOKS)
        return subscription

    async def owned(self, account: Address) -> list[Subscription]:
        """The account's webhooks."""
        return await self.webhooks.subscriptions(account)

    async def unsubscribe(self, account: Address, webhook: str) -> None:
        """End one; a call that is under way still arrives. Raises WebhookMissing."""
        found = await self._owned(account, webhook)
        if not await self.webhooks.unsubscribe(account, found.id):
            raise WebhookMissing(found.id)

    async def enable(self, account: Address, webhook: str) -> None:
        """Let a disabled one go on with the first entry that was neither taken nor given up.

        Raises WebhookMissing.
        """
        found = await self._owned(account, webhook)
        await self.webhooks.enable(found.id, self.courier.clock.now())

    async def rotate_secret(self, account: Address, webhook: str) -> Subscription:
        """Sign with a new secret, and for a time with the one before it as well.

        Of three only the newest two sign: who rotates twice has ended the first at once.

        Raises WebhookMissing.
        """
        found = await self._owned(account, webhook)
        secret = self._secret()
        until = self.courier.clock.now() + OLD_SECRET_SECONDS
        if not await self.webhooks.rotate(found.id, secret, until):
            raise WebhookMissing(found.id)
        return replace(found, secret=secret, old_secret=found.secret, old_until=until)

    async def dead_letters(self, account: Address, webhook: str) -> list[DeadLetter]:
        """What was given up, newest first. Raises WebhookMissing."""
        found = await self._owned(account, webhook)
        return await self.webhooks.dead_letters(found.id, MOST_LETTERS)

    async def redeliver(self, account: Address, webhook: str, index: int) -> None:
        """Try a dead letter once more, now; delivered, it is none any more.

        It comes behind what was delivered after it, under the id that it always had.

        Raises:
            WebhookMissing: the account has no such webhook.
            DeadLetterMissing: the webhook has no such dead letter.
            ReceiverUnavailable: it failed again, and stays where it is.
        """
        found = await self._owned(account, webhook)
        letters = await self.webhooks.dead_letters(found.id, MOST_LETTERS)
        entries = await self.log.entries(index, 1, account)
        if index not in {letter.index for letter in letters} or not entries:
            raise DeadLetterMissing(found.id, index)
        failure = await self.courier.carry(found, entries[0])
        if failure is not None:
            raise ReceiverUnavailable(found.url, failure.reason)
        await self.webhooks.bury(found.id, index)

    def _secret(self) -> str:
        return secret_of(bytes.fromhex(self.random()[2:]))

    async def _owned(self, account: Address, webhook: str) -> Subscription:
        for found in await self.owned(account):
            if found.id == webhook:
                return found
        raise WebhookMissing(webhook[:LONGEST_ID])
