"""The courier: one entry to one receiver, signed, once."""

from collections.abc import Callable
from dataclasses import dataclass

from marketplace.core.errors import ReceiverUnavailable, WebhookRefused
from marketplace.core.values import Json
from marketplace.ports.clock import Clock
from marketplace.ports.outbound import Outbound
from marketplace.ports.store import Entry
from marketplace.ports.webhooks import Subscription
from marketplace.wire.webhooks import call_id, payload, signed_headers

GONE = 410


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed.

    Attributes:
        reason: for the receiver's owner to read.
        retry_after: for how many seconds the receiver asks not to be called.
        gone: whether it said that it never wants to be called again.
    """

    reason: str
    retry_after: int = 0
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Courier:
    """Carries what the stream of events shows of an entry.

    Attributes:
        outbound: the guarded way out.
        clock: dates each attempt.
        shown: index, sequence, time of receipt and message, as a party may see them.
    """

    outbound: Outbound
    clock: Clock
    shown: Callable[[Entry], Json]

    async def carry(self, subscription: Subscription, entry: Entry) -> Failure | None:
        """Post once; None once the receiver has answered 2xx."""
        body = payload(entry, self.shown(entry))
        call, now = call_id(subscription, entry), self.clock.now()
        headers = signed_headers(subscription.secrets(now), call, now, body)
        try:
            reply = await self.outbound.post(subscription.url, headers, body)
        except (ReceiverUnavailable, WebhookRefused) as error:
            return Failure(error.reason)
        if reply.status // 100 == 2:  # noqa: PLR2004 the class of success (RFC 9110 §15.3)
            return None
        gone = reply.status == GONE
        return Failure(f"status {reply.status}", reply.retry_after or 0, gone)
