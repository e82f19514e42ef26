"""Sign-In with Ethereum: the text that any wallet shows, read strictly.

A text is taken or refused whole by one expression; what is taken is kept member by
member as it was spelled, so ``Siwe.text`` gives back the very bytes that were signed and
no two texts are one message.

Narrower than the standard's grammar where that costs no wallet anything: an authority
is host and port, without user information, because ``registry@elsewhere`` is elsewhere;
digits of IP literals are not weighed, because what is compared with them is exact.

Source: EIP-4361, "ABNF Message Format"; RFC 3986 for URIs; RFC 3339 for instants;
EIP-191 version 0x45 for what is signed.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from marketplace.core.errors import ValueMalformed
from marketplace.core.values import Address, Digest, checksum, keccak, shown

# A longer one fits on no wallet's screen.
LONGEST = 4_096
FORM = "a message of EIP-4361, version 1"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

_HOST = r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~-]+)(?::[0-9]{1,5})?"
_PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*"
_URI = (
    rf"{_SCHEME}:(?://{_HOST}(?:/{_PCHAR}*)*|/?{_PCHAR}+(?:/{_PCHAR}*)*|/?)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
)
_INSTANT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_TEXT = re.compile(
    rf"(?:(?P<scheme>{_SCHEME})://)?(?P<domain>{_HOST})"
    r" wants you to sign in with your Ethereum account:\n"
    r"(?P<address>0x[0-9A-Fa-f]{40})\n"
    r"\n"
    r"(?:(?P<statement>[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;= -]+)\n)?"
    r"\n"
    rf"URI: (?P<uri>{_URI})\n"
    r"Version: 1\n"
    r"Chain ID: (?P<chain_id>[1-9][0-9]{0,76})\n"
    r"Nonce: (?P<nonce>[A-Za-z0-9]{8,128})\n"
    rf"Issued At: (?P<issued_at>{_INSTANT})"
    rf"(?:\nExpiration Time: (?P<expiration_time>{_INSTANT}))?"
    rf"(?:\nNot Before: (?P<not_before>{_INSTANT}))?"
    rf"(?:\nRequest ID: (?P<request_id>{_PCHAR}*))?"
    rf"(?P<resources>\nResources:(?:\n- {_URI})*)?",
)


@dataclass(frozen=True, slots=True)
class Siwe:
    """A message of EIP-4361; members that it does not have are None.

    Attributes:
        scheme: of the origin that asks, where the text says it.
        domain: host and port of the origin that asks.
        address: who signs, in its EIP-55 spelling.
        statement: one line for whoever is asked to sign.
        uri: what the login is for.
        chain_id: where the account lives.
        nonce: what makes the login serve once.
        issued_at: an instant as it was spelled; ``moment`` is its second.
        expiration_time: the instant from which the login is none.
        not_before: the instant from which it is one.
        request_id: the asker's name for the request.
        resources: what else is asked for, as URIs; an empty list is still a heading.
    """

    scheme: str | None
    domain: str
    address: str
    statement: str | None
    uri: str
    chain_id: str
    nonce: str
    issued_at: str
    expiration_time: str | None = None
    not_before: str | None = None
    request_id: str | None = None
    resources: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """What is shown and signed."""
        asker = self.domain if self.scheme is None else f"{self.scheme}://{self.domain}"
        last = (
            ("Expiration Time", self.expiration_time),
            ("Not Before", self.not_before),
            ("Request ID", self.request_id),
        )
        lines = [
            f"{asker} wants you to sign in with your Ethereum account:",
            self.address,
            "",
            *([] if self.statement is None else [self.statement]),
            "",
            f"URI: {self.uri}",
            "Version: 1",
            f"Chain ID: {self.chain_id}",
            f"Nonce: {self.nonce}",
            f"Issued At: {self.issued_at}",
            *(f"{label}: {value}" for label, value in last if value is not None),
        ]
        if self.resources is not None:
            lines += ["Resources:", *(f"- {uri}" for uri in self.resources)]
        return "\n".join(lines)

    @property
    def account(self) -> Address:
        """Who signs, as addresses are spelled inside."""
        return self.address.lower()

    @property
    def digest(self) -> Digest:
        """What a wallet's ``personal_sign`` signs."""
        return personal_digest(self.text)


def parse_siwe(text: str) -> Siwe:
    """Parse a message; raises ValueMalformed for whatever is not exactly one."""
    found = _TEXT.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise ValueMalformed("message", shown(text), FORM)
    parts = found.groupdict()
    if checksum(parts["address"].lower()) != parts["address"]:
        raise ValueMalformed("address", parts["address"], "the EIP-55 spelling of an address")
    resources = parts.pop("resources")
    listed = None if resources is None else tuple(resources.split("\n- ")[1:])
    message = Siwe(**parts, resources=listed)
    for instant in (message.issued_at, message.expiration_time, message.not_before):
        if instant is not None:
            moment(instant)
    return message


def moment(instant: str) -> int:
    """The second in which an RFC 3339 instant lies; raises ValueMalformed where there is none."""
    try:
        return (datetime.fromisoformat(instant) - _EPOCH) // _SECOND
    except (ValueError, OverflowError):
        raise ValueMalformed("instant", shown(instant), "an instant as in RFC 3339") from None


def instant_of(second: int) -> str:
    """The RFC 3339 spelling of a second, in UTC."""
    return (_EPOCH + second * _SECOND).strftime("%Y-%m-%dT%H:%M:%SZ")


def personal_digest(text: str) -> Digest:
    """EIP-191, version 0x45: what ``personal_sign`` signs for a text."""
    data = text.encode()
    return "0x" + keccak(b"\x19Ethereum Signed Message:\n%d" % len(data) + data).hex()
