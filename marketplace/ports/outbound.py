"""The outbound port: a POST to an address that somebody outside has named."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered; its body is of no interest to anybody.

    Attributes:
        status: the HTTP status, of the last answer where redirects were followed.
        retry_after: for how many seconds it asks not to be called; None where it does not.
    """

    status: int
    retry_after: int | None = None


class Outbound(Protocol):
    """The way out, and the guard on it."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post once, in bounded time.

        Raises:
            WebhookRefused: the URL, or where it leads to, is none that the registry calls.
            ReceiverUnavailable: no answer came.
        """
        ...
