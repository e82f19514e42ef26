"""The channel port: how one party's words reach the other, and back.

A registry is one way (``sdk.registry``), the other agent's own inbox is another
(``sdk.direct``). Nothing that comes out of a channel is believed: whoever reads proves
each message and advances its own machine.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Protocol

from marketplace.core.signature import Signature
from marketplace.core.values import Address, Digest, Json


class Heard(Protocol):
    """A word as it came."""

    @property
    def index(self) -> int:
        """Its place among all that the channel has, from 0."""
        ...

    @property
    def thread(self) -> str:
        """The negotiation's id, the digest of a listing's first version, an agent."""
        ...

    @property
    def sequence(self) -> int:
        """Its place in the thread, from 0 without gaps."""
        ...

    @property
    def kind(self) -> str:
        """A kind of message, or ``timeout``."""
        ...

    @property
    def received_at(self) -> int:
        """When it was taken."""
        ...

    @property
    def said_at(self) -> int | None:
        """Of a word that was handed in later: when it was said."""
        ...

    @property
    def at(self) -> int:
        """The instant that rules the negotiation."""
        ...

    @property
    def message(self) -> Mapping[str, Json] | None:
        """The envelope, where there is one for this reader."""
        ...


class Taken(Protocol):
    """The answer to a word that was taken."""

    @property
    def index(self) -> int:
        """Its place among all that the channel has, from 0."""
        ...

    @property
    def sequence(self) -> int:
        """Its place in the thread, from 0 without gaps."""
        ...


class Introduced(Protocol):
    """What is known of an agent."""

    @property
    def card(self) -> Heard | None:
        """Its current card; None where it has none."""
        ...


class Channel(Protocol):
    """What a talk and its means need of the way between two parties."""

    def submit(self, envelope: Json) -> Taken:
        """Say a signed word; the same again is the same word.

        Raises:
            ParleyError: the named reason why it was not taken.
            Unavailable: nobody has answered; it may have been taken.
        """
        ...

    def messages(self, negotiation: Digest) -> Sequence[Heard]:
        """A negotiation's words so far, in order; empty where there is none."""
        ...

    def listing(self, digest: Digest) -> Heard:
        """A listing as its seller published it."""
        ...

    def agent(self, agent: Address) -> Introduced:
        """What an agent says about itself; raises AgentMissing for one that said nothing."""
        ...

    def follow(self, start: int, party: Address) -> Generator[Heard | None, None, None]:
        """A party's words from an index on, for ever; None says that all is well and quiet."""
        ...

    def put_artifact(
        self, negotiation: Digest, artifact: Digest, data: bytes, signature: Signature
    ) -> None:
        """Leave bytes for the counterparty, signed for (``Upload``)."""
        ...

    def artifact(self, negotiation: Digest, artifact: Digest) -> bytes:
        """The bytes that were left; their digest is the reader's to check."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
