"""Destinations: where the registry may be told to post.

Whoever subscribes names an address that the registry then calls from inside its own
network. So a URL has one plain form, and every address that its host resolves to must be
one that anybody on the internet could call as well (OWASP: server-side request forgery).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from marketplace.core.errors import WebhookRefused

LONGEST_URL = 1000
PORTS = {"https": 443, "http": 80}
LEAST_OTHER_PORT = 1024

_FORM = re.compile(r"[!-\[\]-~]+\Z")  # visible ASCII without the backslash, which some read as /
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")
# What a resolver takes for a number: 2130706433, 0x7f.1 and 0177.0.0.1 are all 127.0.0.1.
_NUMERIC = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\Z")

# Not the internet, though the library says so, or says so in some of its versions only.
_CLOSED_4 = tuple(
    map(
        IPv4Network,
        (
            "168.63.129.16/32",  # a cloud's host, which every machine in it can ask
            "192.0.0.0/24",  # protocol assignments (RFC 6890)
            "192.88.99.0/24",  # relays of 6to4, given up (RFC 7526)
            "224.0.0.0/3",  # multicast and reserved
        ),
    )
)
_OPEN_6 = IPv6Network("2000::/3")  # all that has been given out as global unicast
_CLOSED_6 = (IPv6Network("2001::/23"), IPv6Network("2001:db8::/32"), IPv6Network("3fff::/20"))
# An IPv4 address inside an IPv6 one, and how many bits follow it.
_EMBEDDED = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64 (RFC 6052)
    (IPv6Network("2002::/16"), 80),  # 6to4 (RFC 3056)
)


def is_public(address: str) -> bool:
    """Whether an address, as the resolver spells it, is one of the open internet."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return _public_4(parsed) if isinstance(parsed, IPv4Address) else _public_6(parsed)


def anywhere(_: str) -> bool:
    """Any address: for a registry whose receivers live in its own network."""
    return True


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the operator lets the registry be sent.

    Attributes:
        plain: whether http will do.
        permits: whether an address may be connected to.
    """

    plain: bool = False
    permits: Callable[[str], bool] = is_public


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL in its parts.

    Attributes:
        scheme: https or http.
        host: a name or an address in lower case, without brackets.
        port: TCP port.
        target: path and query.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def url(self) -> str:
        """The whole."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def authority(self) -> str:
        """The Host header: the port only where it is not the scheme's own."""
        return self.at(self.host).removesuffix(f":{PORTS[self.scheme]}")

    def at(self, host: str) -> str:
        """A host and this port, an IPv6 address in brackets."""
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def destination(url: str, reach: Reach) -> Destination:
    """The parts of a URL that may be called; raises WebhookRefused with the reason.

    A host that is a name is judged when it is resolved, at each call.
    """
    if len(url) > LONGEST_URL or not _FORM.match(url):
        raise WebhookRefused(url[:LONGEST_URL], f"1 to {LONGEST_URL} visible ASCII characters")
    try:
        parts = urlsplit(url)
        named = parts.port
    except ValueError:
        raise WebhookRefused(url, "not a URL") from None
    host = parts.hostname or ""
    # A colon with nothing behind it is no way to leave the port out.
    unnamed = named is None and not parts.netloc.endswith(":")
    port = PORTS.get(parts.scheme, 0) if unnamed else named or 0
    reason = _reason(parts, host, port, reach)
    if reason:
        raise WebhookRefused(url, reason)
    query = f"?{parts.query}" if parts.query else ""
    return Destination(parts.scheme, host, port, (parts.path or "/") + query)


def _reason(parts: SplitResult, host: str, port: int, reach: Reach) -> str:
    literal = _is_address(host)
    rules = (
        (parts.scheme == "https" or (reach.plain and parts.scheme == "http"), "not https"),
        ("@" not in parts.netloc, "a user or a password in it"),
        (not parts.fragment, "a fragment in it"),
        (literal or bool(_NAME.match(host)), "no plain host name or address"),
        (("[" in parts.netloc) == (":" in host), "brackets around no IPv6 address"),
        (literal or not _NUMERIC.match(host), "an address in an odd spelling"),
        (port in PORTS.values() or port >= LEAST_OTHER_PORT, "a port of another service"),
        (not literal or reach.permits(host), "an address that is not public"),
    )
    return next((reason for holds, reason in rules if not holds), "")


def _is_address(host: str) -> bool:
    try:
        # A zone, as in fe80::1%eth0, names an interface of this machine.
        return "%" not in host and bool(ip_address(host))
    except ValueError:
        return False


def _public_4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _CLOSED_4)


def _public_6(address: IPv6Address) -> bool:
    if address.scope_id:
        return False
    for network, shift in _EMBEDDED:
        if address in network:
            return _public_4(IPv4Address(int(address) >> shift & 0xFFFFFFFF))
    closed = any(address in network for network in _CLOSED_6)
    return address in _OPEN_6 and address.is_global and not closed
