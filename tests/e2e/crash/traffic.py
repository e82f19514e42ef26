"""What is said under load: whole negotiations, that end in every way there is."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.words import HOUR, Hand, key_of

from marketplace.core.eip712 import Domain
from marketplace.core.listing import Content, Listing
from marketplace.core.message import Message, parse_message
from marketplace.core.values import canonical, parse_json
from marketplace.core.words import Kind, Rejection, Withdrawal

DOMAIN = Domain(31337, "0x" + "e5" * 20)
# Seconds until a talk ends by silence, and until any other would.
SOON, LATE = 3, 24 * HOUR

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Word:
    """A body to be posted, and what identifies it."""

    body: bytes
    key: Key


@dataclass(frozen=True)
class Talk:
    """One negotiation from its listing to its end; each party's key is this talk's own."""

    buyer: bytes
    seller: bytes
    words: tuple[Word, ...]
    silent: bool


@dataclass(frozen=True)
class Speaker(Hand):
    """Says the last words of a talk too."""

    def whole(self, number: int, rounds: int) -> Talk:
        """A talk of so many offers, at least one; how it ends goes by its number."""
        begun = self.talk(number, rounds)
        seller, buyer = key_of(f"seller {number}"), key_of(f"buyer {number}")
        said = [_parsed(body) for body in (*begun.setting, *begun.offers)]
        ending = ENDINGS[number % len(ENDINGS)]
        # Offers go by turns and the seller begins.
        last, other = ((buyer, seller), (seller, buyer))[rounds % 2]
        said += ending(self, said, (last, other))
        if number % 3 == 0:
            said.append(self._closed(seller, said[0]))
        return Talk(buyer, seller, tuple(map(_word, said)), ending is _silence)

    def leave(self, said: list[Message], key: bytes, kind: Kind) -> Message:
        """No, or good-bye."""
        body = {Kind.REJECTION: Rejection, Kind.WITHDRAWAL: Withdrawal}[kind]
        leaving = body(said[1].digest, said[-1].digest, 1)
        return self.say(kind, key, leaving, said[1].digest, None)

    def _closed(self, seller: bytes, listed: Message) -> Message:
        # A second version, so that the index has something to replace.
        content, first = listed.detail, listed.body
        assert isinstance(content, Content)
        assert isinstance(first, Listing)
        closed = replace(content, capacity=0)
        header = Listing(first.seller, closed.digest, listed.digest, first.expires_at)
        return self.say(Kind.LISTING, seller, header, None, closed)


Keys = tuple[bytes, bytes]
Ending = Callable[[Speaker, list[Message], Keys], list[Message]]


def _acceptance(hand: Speaker, said: list[Message], keys: Keys) -> list[Message]:
    return [hand.accept(said[-1], keys[1])]


def _rejection(hand: Speaker, said: list[Message], keys: Keys) -> list[Message]:
    return [hand.leave(said, keys[1], Kind.REJECTION)]


def _withdrawal(hand: Speaker, said: list[Message], keys: Keys) -> list[Message]:
    return [hand.leave(said, keys[0], Kind.WITHDRAWAL)]


def _silence(_hand: Speaker, _said: list[Message], _keys: Keys) -> list[Message]:
    return []


def _open(_hand: Speaker, _said: list[Message], _keys: Keys) -> list[Message]:
    return []


ENDINGS: tuple[Ending, ...] = (_acceptance, _rejection, _silence, _withdrawal, _open)


def talk(number: int, rounds: int, now: int) -> Talk:
    """The talk of this number, begun at an instant."""
    silent = ENDINGS[number % len(ENDINGS)] is _silence
    return Speaker(DOMAIN, now, SOON if silent else LATE).whole(number, rounds)


def _parsed(body: bytes) -> Message:
    return parse_message(parse_json(body), DOMAIN)


def _word(message: Message) -> Word:
    key = message.kind.value, message.digest, message.signer
    return Word(canonical(message.to_json()), key)
