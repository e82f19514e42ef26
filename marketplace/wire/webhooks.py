"""What webhooks look like: the signed call and the views.

The call is as in Standard Webhooks 1.0.0. The signature is ours, because it is a line of
HMAC; the specification's library is the oracle of the tests.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import ConfigDict, Field

from marketplace.core.values import Json, canonical
from marketplace.ports.store import Entry
from marketplace.ports.webhooks import DeadLetter, Subscription
from marketplace.wire.views import View

SECRET_PREFIX = "whsec_"  # noqa: S105 says that the rest is a secret, and is none


def secret_of(key: bytes) -> str:
    """A signing key as its owner gets it; the specification asks for 24 to 64 bytes."""
    return SECRET_PREFIX + b64encode(key).decode()


def payload(entry: Entry, data: Json) -> bytes:
    """The body that tells of an entry: ``data`` is what its reader may see of it."""
    received = datetime.fromtimestamp(entry.record.received_at, UTC)
    told = f"{received:%Y-%m-%dT%H:%M:%SZ}"
    return canonical({"type": f"message.{entry.record.kind}", "timestamp": told, "data": data})


def call_id(subscription: Subscription, entry: Entry) -> str:
    """The same for every attempt at one entry, so that receivers can tell what they have."""
    return f"{subscription.id}_{entry.index}"


def signed_headers(secrets: Sequence[str], call: str, at: int, body: bytes) -> Mapping[str, str]:
    """The headers of one attempt, made at an instant: integer seconds UTC.

    Each secret signs, so that a receiver that has any of them can verify.
    """
    signed = f"{call}.{at}.".encode() + body
    return {
        "content-type": "application/json",
        "user-agent": "parley-registry",
        "webhook-id": call,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = b64decode(secret.removeprefix(SECRET_PREFIX))
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()


class WebhookView(View):
    """A webhook as its owner sees it again; the secret was shown once."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "wh_9f86d081884c7d659a2feaa0c55ad015",
                "url": "https://agent.example/parley",
                "following": 4711,
                "attempts": 2,
                "next_at": 1800000300,
                "disabled": False,
                "old_until": 0,
            }
        }
    )

    id: str
    url: str
    following: int = Field(description="the log index from which entries have yet to be delivered")
    attempts: int = Field(description="how often the next one has failed")
    next_at: int = Field(description="it is not tried again before this instant")
    disabled: bool = Field(description="it answered 410, or failed for too long")
    old_until: int = Field(description="until then the secret before this one signs too; 0: none")

    @classmethod
    def of(cls, subscription: Subscription) -> "WebhookView":
        """The view of a subscription."""
        return cls(
            id=subscription.id,
            url=subscription.url,
            following=subscription.following,
            attempts=subscription.attempts,
            next_at=subscription.next_at,
            disabled=subscription.disabled,
            old_until=subscription.old_until,
        )


class WebhooksView(View):
    """All webhooks of an account."""

    webhooks: list[WebhookView]


class NewWebhookView(View):
    """A webhook that was made just now."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "wh_9f86d081884c7d659a2feaa0c55ad015",
                "url": "https://agent.example/parley",
                "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
                "following": 4711,
            }
        }
    )

    id: str
    url: str
    secret: str = Field(description="verifies what comes; it is not shown again")
    following: int = Field(description="the log index from which entries are delivered")

    @classmethod
    def of(cls, subscription: Subscription) -> "NewWebhookView":
        """The view of a new subscription."""
        return cls(
            id=subscription.id,
            url=subscription.url,
            secret=subscription.secret,
            following=subscription.following,
        )


class NewSecretView(View):
    """A webhook's new secret."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
                "old_until": 1800086400,
            }
        }
    )

    secret: str = Field(description="verifies what comes; it is not shown again")
    old_until: int = Field(description="until then the secret before this one signs too")

    @classmethod
    def of(cls, subscription: Subscription) -> "NewSecretView":
        """The view of a subscription whose secret is new."""
        return cls(secret=subscription.secret, old_until=subscription.old_until)


class DeadLetterView(View):
    """An entry that was given up."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"index": 4711, "attempts": 10, "reason": "status 500", "at": 1800272105}
        }
    )

    index: int = Field(description="of the entry, in the log")
    attempts: int
    reason: str = Field(description="why the last one failed")
    at: int = Field(description="when it was given up")

    @classmethod
    def of(cls, letter: DeadLetter) -> "DeadLetterView":
        """The view of a dead letter."""
        return cls(index=letter.index, attempts=letter.attempts, reason=letter.reason, at=letter.at)


class DeadLettersView(View):
    """What a webhook's receiver has missed, newest first."""

    dead_letters: list[DeadLetterView]
