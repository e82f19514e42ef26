"""Exhibits: the parts of an evidence file, parsed strictly.

Nothing is judged here but form: each member is there, none is there twice or unknown, and
each value has its one spelling. What the parts say of each other is ``evidence``'s to ask.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from marketplace.core.checkpoint import Checkpoint, LogName
from marketplace.core.eip712 import Domain, Read, exactly
from marketplace.core.errors import ValueMalformed
from marketplace.core.merkle import Proof
from marketplace.core.note import Verifier
from marketplace.core.outcome import Subject
from marketplace.core.receipt import Proven
from marketplace.core.replay import ChainEvent
from marketplace.core.signature import Signature
from marketplace.core.terms import Terms
from marketplace.core.values import Address, Digest, Json, address, decimal, digest, integer, shown

FORMAT: Final = "parley.evidence.2"
MEMBERS: Final = (
    *("format", "deal", "negotiation", "typed_data", "subject"),
    *("buyer_signature", "seller_signature", "log", "checkpoint", "listing", "transcript"),
    *("receipts", "anchors", "events", "delivery", "decisions"),
)
# Far more than a file of the longest talk has; what says otherwise is not read on.
MOST: Final = 10_000
LATEST: Final = (1 << 48) - 1
LONGEST: Final = 1 << 17

# What is no character, and has no bytes in UTF-8.
_SURROGATE = re.compile("[\ud800-\udfff]")

# The arguments of each event of ``IEscrow`` about deals, but for the deal.
EVENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "Opened": {
        **dict.fromkeys(("buyer", "seller", "token"), "address"),
        **dict.fromkeys(("price", "bond", "buyerNonce", "sellerNonce"), "uint256"),
    },
    "Swapped": {
        **dict.fromkeys(("buyer", "seller", "token"), "address"),
        **dict.fromkeys(("price", "fee", "buyerNonce", "sellerNonce"), "uint256"),
    },
    "Delivered": {"deliverable": "bytes32", "charge": "uint256"},
    "Noticed": {"caller": "address", "endsAt": "uint256"},
    "Disputed": {"claim": "bytes32", "stake": "uint256"},
    "Ruled": {},
    "Paid": {
        "state": "uint8",
        "caller": "address",
        **dict.fromkeys(("released", "toSeller", "fee", "toBuyer"), "uint256"),
    },
}


@dataclass(frozen=True, slots=True)
class Word:
    """One entry of the log.

    Attributes:
        leaf: its public bytes.
        body: what the leaf commits to; empty where a word carries nothing.
        index: its place in the log; None where two agents talked without one.
        proof: that the checkpoint's tree has the leaf there.
        opened: of a confidential offer, what is in its boxes.
    """

    leaf: bytes
    body: bytes
    index: int | None = None
    proof: Proof = ()
    opened: tuple[Terms, Subject] | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """A size and root that the chain has of the log, and where; times are its block's."""

    size: int
    root: bytes
    at: int
    block: int
    transaction: Digest


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the escrow about the deal, and where the chain has it."""

    name: str
    values: Mapping[str, str | int]
    at: int
    block: int
    transaction: Digest
    log_index: int

    def of(self, deal: Digest) -> ChainEvent:
        """The event as the deal machine's replay takes it."""
        return ChainEvent(self.name, deal, dict(self.values), self.at)

    def to_json(self) -> dict[str, Json]:
        """As it stands in a file; numbers of 256 bits as decimal strings."""
        return {
            "event": self.name,
            "values": {name: str(value) for name, value in self.values.items()},
            "at": self.at,
            "block": self.block,
            "transaction": self.transaction,
            "log_index": self.log_index,
        }


@dataclass(frozen=True, slots=True)
class Exhibits:
    """A whole file; the members are those of the JSON object, in its order."""

    deal: Digest
    negotiation: Digest
    typed_data: Json
    terms: Terms
    domain: Domain
    subject: Subject
    buyer_signature: Signature
    seller_signature: Signature
    log: LogName | None
    note: str
    listing: Word
    transcript: tuple[Word, ...]
    receipts: tuple[tuple[Proven, Proof], ...]
    anchors: tuple[tuple[Anchor, Proof], ...]
    events: tuple[Event, ...]
    delivery: Digest | None
    decisions: tuple[Digest, ...]

    @property
    def words(self) -> list[tuple[str, Word]]:
        """Every entry with its place in the file."""
        talk = ((f"transcript[{at}]", word) for at, word in enumerate(self.transcript))
        return [("listing", self.listing), *talk]


def read_exhibits(given: Json) -> Exhibits:
    """A file's parts; raises MalformedValue, SignatureRefused or LogRefused with the place."""
    if not isinstance(given, Mapping):
        raise ValueMalformed("file", shown(given), "a JSON object")
    if given.get("format") != FORMAT:
        raise ValueMalformed("format", shown(given.get("format")), FORMAT)
    exactly(given, {*MEMBERS})
    document = _object(given["typed_data"], "typed_data", "types primaryType domain message")
    logged = given["log"] is not None
    words = [_word(each, at, logged=logged) for at, each in _list(given, "transcript")]
    return Exhibits(
        deal=digest(given["deal"], "deal"),
        negotiation=digest(given["negotiation"], "negotiation"),
        typed_data=document,
        terms=Terms.from_message(document["message"]),
        domain=_domain(document["domain"], "typed_data.domain"),
        subject=Subject.from_json(given["subject"]),
        buyer_signature=_string(given["buyer_signature"], "buyer_signature"),
        seller_signature=_string(given["seller_signature"], "seller_signature"),
        log=_log_name(given["log"]) if logged else None,
        note=_string(given["checkpoint"], "checkpoint") if logged else _nothing(given),
        listing=_word(given["listing"], "listing", logged=logged),
        transcript=tuple(words),
        receipts=tuple(_receipt(each, at) for at, each in _list(given, "receipts")),
        anchors=tuple(_anchor(each, at) for at, each in _list(given, "anchors")),
        events=tuple(_event(each, at) for at, each in _list(given, "events")),
        delivery=None if given["delivery"] is None else digest(given["delivery"], "delivery"),
        decisions=_decisions(given),
    )


def _nothing(given: Mapping[str, Json]) -> str:
    for name in ("checkpoint", "receipts", "anchors"):
        if given[name]:
            raise ValueMalformed(name, shown(given[name]), "none, as there is no log")
    if given["checkpoint"] is not None:
        raise ValueMalformed("checkpoint", shown(given["checkpoint"]), "null without a log")
    return ""


def _word(given: Json, place: str, *, logged: bool) -> Word:
    found = _object(given, place, "leaf body index proof" if logged else "leaf body", "opened")
    opened = None
    if "opened" in found:
        inside = _object(found["opened"], f"{place}.opened", "message detail")
        opened = Terms.from_message(inside["message"]), Subject.from_json(inside["detail"])
    return Word(
        _string(found["leaf"], f"{place}.leaf").encode(),
        _string(found["body"], f"{place}.body").encode(),
        _count(found["index"], f"{place}.index") if logged else None,
        _proof(found["proof"], f"{place}.proof") if logged else (),
        opened,
    )


def _receipt(given: Json, place: str) -> tuple[Proven, Proof]:
    names = "index leaf salt proof origin size root signature consistency"
    found = _object(given, place, names)
    checkpoint = Checkpoint(
        _string(found["origin"], f"{place}.origin"),
        _count(found["size"], f"{place}.size"),
        _root(found["root"], f"{place}.root"),
    )
    proven = Proven(
        _count(found["index"], f"{place}.index"),
        _string(found["leaf"], f"{place}.leaf").encode(),
        "" if found["salt"] is None else digest(found["salt"], f"{place}.salt"),
        _proof(found["proof"], f"{place}.proof"),
        checkpoint,
        _string(found["signature"], f"{place}.signature"),
    )
    return proven, _proof(found["consistency"], f"{place}.consistency")


def _anchor(given: Json, place: str) -> tuple[Anchor, Proof]:
    found = _object(given, place, "size root at block transaction consistency")
    anchor = Anchor(
        integer(found["size"], f"{place}.size", 1, LATEST),
        _root(found["root"], f"{place}.root"),
        *_where(found, place),
    )
    return anchor, _proof(found["consistency"], f"{place}.consistency")


def _event(given: Json, place: str) -> Event:
    found = _object(given, place, "event values at block transaction log_index")
    name = found["event"]
    if not isinstance(name, str) or name not in EVENTS:
        raise ValueMalformed(f"{place}.event", shown(name), "one of " + ", ".join(EVENTS))
    told = _object(found["values"], f"{place}.values", " ".join(EVENTS[name]))
    values = {
        each: _TYPES[kind](told[each], f"{place}.values.{each}")
        for each, kind in EVENTS[name].items()
    }
    where = _where(found, place)
    return Event(name, values, *where, _count(found["log_index"], f"{place}.log_index"))


def _where(found: Mapping[str, Json], place: str) -> tuple[int, int, Digest]:
    at, block = (_count(found[name], f"{place}.{name}") for name in ("at", "block"))
    return at, block, digest(found["transaction"], f"{place}.transaction")


def _decisions(given: Mapping[str, Json]) -> tuple[Digest, ...]:
    found: dict[Digest, str] = {}
    for place, each in _list(given, "decisions"):
        named = digest(each, place)
        if named in found:
            raise ValueMalformed(place, named, f"another than {found[named]}")
        found[named] = place
    return tuple(found)


def _log_name(given: Json) -> LogName:
    found = _object(given, "log", "origin key vkey domain")
    origin = _string(found["origin"], "log.origin")
    verifier = Verifier.parse(_string(found["vkey"], "log.vkey"))
    if verifier.name != origin:
        raise ValueMalformed("log.vkey", shown(verifier.name), f"the key's name is {origin}")
    domain = _domain(found["domain"], "log.domain")
    return LogName(origin, _address(found["key"], "log.key"), verifier, domain)


def _domain(given: Json, place: str) -> Domain:
    found = _object(given, place, "name version chainId verifyingContract")
    return Domain(
        integer(found["chainId"], f"{place}.chainId", 0, LATEST),
        _address(found["verifyingContract"], f"{place}.verifyingContract"),
        _string(found["name"], f"{place}.name"),
        _string(found["version"], f"{place}.version"),
    )


def _list(given: Mapping[str, Json], name: str) -> list[tuple[str, Json]]:
    found = given[name]
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) > MOST:
        raise ValueMalformed(name, shown(found), f"a list of at most {MOST}")
    return [(f"{name}[{at}]", each) for at, each in enumerate(found)]


def _object(given: Json, place: str, names: str, optional: str = "") -> Mapping[str, Json]:
    if not isinstance(given, Mapping):
        raise ValueMalformed(place, shown(given), "a JSON object")
    exactly(given, {*names.split()} | (given.keys() & {*optional.split()}))
    return given


def _proof(given: Json, place: str) -> Proof:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ValueMalformed(place, shown(given), "a list of hashes")
    return tuple(_root(each, place) for each in given)


def _root(given: Json, place: str) -> bytes:
    return bytes.fromhex(digest(given, place)[2:])


def _string(given: Json, place: str) -> str:
    if not isinstance(given, str) or len(given) > LONGEST or _SURROGATE.search(given):
        raise ValueMalformed(place, shown(given), f"text of at most {LONGEST} characters")
    return given


def _count(given: Json, place: str) -> int:
    return integer(given, place, 0, LATEST)


def _address(given: Json, place: str) -> Address:
    if address(given, place) != given:
        raise ValueMalformed(place, shown(given), "a lower-case address")
    return given


def _uint8(given: Json, place: str) -> int:
    return decimal(given, place, 8)


_TYPES: Mapping[str, Read] = {
    "address": _address,
    "bytes32": digest,
    "uint8": _uint8,
    "uint256": decimal,
}
