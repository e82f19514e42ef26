"""A glance: the leaf of a word in a negotiation, read by one pattern.

Most of what an auditor reads are leaves without bodies, all of one form. The pattern says
at once that the bytes are canonical, that just the right members are there, and that each
has the form of its type. What it does not match is read member by member (``entry.read``,
``message.parse_header``), which knows the rarer forms and says what is wrong.
"""

import re
from collections.abc import Mapping
from typing import Final

from marketplace.core.entry import Logged
from marketplace.core.message import Domains, Message, header
from marketplace.core.signature import Prove
from marketplace.core.values import Json
from marketplace.core.words import Kind

_DIGEST: Final = "0x[0-9a-f]{64}"
_CARRYING: Final = "invitation|offer|rejection|withdrawal|escalation"
# Twelve digits are below the latest instant that an entry may have.
_FORM = re.compile(
    rf'\{{(?:"body":"{_DIGEST}","digest":"({_DIGEST})","domain":"({_DIGEST})","kind":"({_CARRYING})"'
    rf'|"digest":"({_DIGEST})","domain":"({_DIGEST})","kind":"(acceptance)")'
    rf',"negotiation":"({_DIGEST})","received_at":(0|[1-9][0-9]{{0,11}})'
    r',"signature":"(0x[0-9a-f]{130})","signer":"(0x[0-9a-f]{40})","version":"2"\}\Z'
)
_KINDS: Final = {kind.value: kind for kind in Kind}


def glance(leaf: bytes, domains: Domains, prove: Prove) -> tuple[Logged, Message] | None:
    """An entry and its message; None of what must be looked at closely.

    Args:
        leaf: the entry's bytes, whose body is not shown.
        domains: that are taken.
        prove: proves the signature, or takes it down.

    Raises:
        ParleyError: as ``message.parse_header`` does.
    """
    if not leaf.isascii():
        return None
    found = _FORM.match(leaf.decode("ascii"))
    if found is None:
        return None
    digest, domain, kind, *accepted = found.group(1, 2, 3, 4, 5, 6)
    if digest is None:
        digest, domain, kind = accepted
    known = domains.named("2", domain)
    if known is None:
        return None
    negotiation, at, signature, signer = found.group(7, 8, 9, 10)
    message = header(known, _KINDS[kind], (negotiation, signer, digest, signature), prove)
    # An acceptance carries nothing, so that its leaf is the whole of it.
    envelope: Mapping[str, Json] | None = {} if message.kind is Kind.ACCEPTANCE else None
    return Logged(kind, int(at), envelope), message
