"""The audit: replay all that was published, hold it against the chain.

Given only public bytes and the escrow's events, it proves every entry's place in the
log, every signature, every listing and negotiation by the very machine that made it,
and that each agreement and each deal on chain are one. It trusts nobody's word; what
it cannot prove is a finding, and it is never silent about one.

1. Indexes are gapless; each leaf hash is that of its bytes; the root is that of the leaves.
2. Each entry is canonical JSON of a message that proves itself (form, domain, digest,
   signature) and of a receipt time.
3. No message stands twice; receipt times of a thread do not go back.
4. Each negotiation replays: its listing was published before it and not yet replaced,
   and each next message is one that the machine takes.
5. Each agreement's two signatures hold over the terms' digest.
6. Each deal that the escrow opened is an offer of a negotiation, with the same parties,
   token, price, bond and nonces; and its later events are ones that the deal machine
   takes, each payment to the unit (``replay``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from marketplace.core.eip712 import Domain, exactly
from marketplace.core.errors import ParleyError, ValueMalformed
from marketplace.core.listing import Content, Listing
from marketplace.core.merkle import leaf_hash, root_hash
from marketplace.core.message import Invitation, Message, parse_message
from marketplace.core.negotiation import Negotiation, Offer, advance, begin
from marketplace.core.replay import ChainEvent, Followed, follow
from marketplace.core.values import Digest, canonical, integer, mapping, parse_json, shown

__all__ = ["ChainEvent", "Finding", "LoggedEntry", "Market", "Report", "audit"]

OPENINGS = ("Opened", "Swapped")
LATEST = (1 << 40) - 1

Nonces = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """One entry as the registry serves it: index, stated leaf hash, bytes."""

    index: int
    leaf_hash: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold.

    Attributes:
        kind: a stable word: log, message, listing, negotiation, agreement or deal.
        where: the entry's index, the negotiation's id or the deal's digest.
        what: exactly what is wrong.
    """

    kind: str
    where: str
    what: str


@dataclass
class Report:
    """What was proved, and what was not.

    ``checked`` counts what was looked at. The rest is information, for it is the parties'
    right: ``unopened`` agreements, ``unlogged`` deals (two agents may have no registry),
    ``linked`` ones, by the negotiation whose parties and nonces they have although none of its
    logged offers is theirs: what was said last was not logged; ``superseded`` ones, opened
    from another signed offer than the logged agreement; and ``unproved`` ones, that were paid
    on a voucher or a settlement, whose signatures no event shows.
    """

    checked: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unopened: list[Digest] = field(default_factory=list)
    unlogged: list[Digest] = field(default_factory=list)
    linked: dict[Digest, Digest] = field(default_factory=dict)
    superseded: list[Digest] = field(default_factory=list)
    unproved: list[Digest] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing was found against the log; see also ``complete``."""
        return not self.findings

    @property
    def complete(self) -> bool:
        """Every deal on chain is a logged agreement, paid on what events show."""
        return not (self.unlogged or self.linked or self.superseded or self.unproved)

    def found(self, kind: str, where: str, what: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, where, what))

    def count(self, what: str, more: int = 1) -> None:
        """Add to what was checked."""
        self.checked[what] = self.checked.get(what, 0) + more


@dataclass
class Market:
    """What the log has made true so far, rebuilt from its bytes."""

    seen: set[str] = field(default_factory=set)
    listings: dict[Digest, tuple[Listing, Content]] = field(default_factory=dict)
    replaced: dict[Digest, Digest] = field(default_factory=dict)
    negotiations: dict[Digest, Negotiation] = field(default_factory=dict)
    last_at: dict[Digest, int] = field(default_factory=dict)


def audit(
    entries: Sequence[LoggedEntry], root: str, events: Sequence[ChainEvent], domain: Domain
) -> Report:
    """Check a whole log and the whole escrow against each other.

    Args:
        entries: every entry, in order.
        root: the root that the registry states.
        events: every event of the escrow about deals, in order.
        domain: of the chain and the escrow that the auditor chose to believe.
    """
    report, market = Report(), Market()
    _check_tree(entries, root, report)
    for entry in entries:
        try:
            message, at = _read(entry, domain)
            _replay(market, message, at)
        except ParleyError as error:
            report.found("message", f"entry {entry.index}", str(error))
        report.count("entries")
    _check_agreements(market, domain, report)
    _check_deals(market, events, report)
    return report


def _check_tree(entries: Sequence[LoggedEntry], root: str, report: Report) -> None:
    leaves = [leaf_hash(entry.data) for entry in entries]
    for position, (entry, leaf) in enumerate(zip(entries, leaves, strict=True)):
        if entry.index != position:
            report.found(
                "log", f"entry {position}", f"index {entry.index} where {position} follows"
            )
        if entry.leaf_hash != "0x" + leaf.hex():
            told = f"leaf hash stated {shown(entry.leaf_hash)}, of these bytes 0x{leaf.hex()}"
            report.found("log", f"entry {entry.index}", told)
    computed = "0x" + root_hash(leaves).hex()
    if computed != root:
        report.found("log", "root", f"stated {shown(root)}, of these entries {computed}")


def _read(entry: LoggedEntry, domain: Domain) -> tuple[Message, int]:
    logged = mapping(parse_json(entry.data), "entry")
    exactly(logged, {"message", "received_at"})
    if canonical(logged) != entry.data:
        raise ValueMalformed("entry", f"entry {entry.index}", "canonical JSON (RFC 8785)")
    at = integer(logged["received_at"], "received_at", 0, LATEST)
    return parse_message(logged["message"], domain), at


def _replay(market: Market, message: Message, at: int) -> None:
    if message.key in market.seen:
        raise ValueMalformed("message", message.key[:60], "each message once")
    match message.body, message.detail:
        case Listing() as header, Content() as content:
            _replay_listing(market, message, header, at)
            market.listings[message.digest] = header, content
        case Invitation() as invitation, _:
            header, content = _listing(market, invitation.listing)
            market.negotiations[message.digest] = begin(message, header, content, at)
        case _:
            thread = str(message.negotiation)
            known = market.negotiations.get(thread)
            if known is None:
                raise ValueMalformed("negotiation", thread, "one that was logged before")
            _check_time(market, thread, at)
            market.negotiations[thread] = advance(known, message, at)
    market.last_at[message.negotiation or message.digest] = at
    market.seen.add(message.key)


def _replay_listing(market: Market, message: Message, header: Listing, at: int) -> None:
    if message.signer != header.seller:
        raise ValueMalformed("signer", message.signer, f"the seller {header.seller}")
    if int(header.replaces, 16):
        old, _ = _listing(market, header.replaces)
        if old.seller != header.seller:
            raise ValueMalformed("replaces", header.replaces, "a listing of the same seller")
        _check_time(market, header.replaces, at)
        market.replaced[header.replaces] = message.digest


def _check_time(market: Market, before: Digest, at: int) -> None:
    last = market.last_at.get(before, 0)
    if at < last:
        raise ValueMalformed("received_at", str(at), f"at least {last}")


def _listing(market: Market, digest: Digest) -> tuple[Listing, Content]:
    if digest in market.replaced:
        raise ValueMalformed("listing", digest, f"not replaced, as by {market.replaced[digest]}")
    if digest not in market.listings:
        raise ValueMalformed("listing", digest, "one that was logged before")
    return market.listings[digest]


def _check_agreements(market: Market, domain: Domain, report: Report) -> None:
    for negotiation in market.negotiations.values():
        report.count("negotiations")
        if negotiation.agreement is None:
            continue
        report.count("agreements")
        try:
            negotiation.agreement.check(domain)
        except ParleyError as error:
            report.found("agreement", negotiation.id, str(error))


def _check_deals(market: Market, events: Iterable[ChainEvent], report: Report) -> None:
    talks = market.negotiations.values()
    offers = {offer.digest: (talk, offer) for talk in talks for offer in talk.offers}
    nonces = _by_nonces(talks)
    followed: dict[Digest, Followed] = {}
    for event in events:
        report.count("events")
        if event.deal not in offers:
            if event.name in OPENINGS:
                _tell_unlogged(nonces, event, report)
            continue
        try:
            held = followed.get(event.deal, Followed())
            followed[event.deal] = follow(held, offers[event.deal][1].terms, event)
        except ParleyError as error:
            report.found("deal", event.deal, f"{event.name}: {error}")
    report.count("deals", len(followed))
    _check_one_deal(offers, followed, report)
    _check_ends(followed, report)
    for talk in talks:
        if talk.agreement is not None and talk.agreement.digest not in followed:
            report.unopened.append(talk.agreement.digest)


def _by_nonces(talks: Iterable[Negotiation]) -> dict[Nonces, dict[int | None, Digest]]:
    """Negotiations by buyer, seller and buyer's nonce, then by the seller's.

    The seller names its nonce with its first offer: without one it is None.
    """
    found: dict[Nonces, dict[int | None, Digest]] = {}
    for talk in talks:
        asked = talk.invitation
        named = talk.offers[0].terms.seller_nonce if talk.offers else None
        found.setdefault((asked.buyer, asked.seller, asked.buyer_nonce), {})[named] = talk.id
    return found


def _tell_unlogged(
    nonces: dict[Nonces, dict[int | None, Digest]], event: ChainEvent, report: Report
) -> None:
    values = event.values
    key = str(values["buyer"]), str(values["seller"]), event.number("buyerNonce")
    among = nonces.get(key, {})
    of = among.get(event.number("sellerNonce"), among.get(None))
    if of is None:
        report.unlogged.append(event.deal)
    else:
        report.linked[event.deal] = of


def _check_ends(followed: dict[Digest, Followed], report: Report) -> None:
    for deal, held in followed.items():
        if held.ruling is not None:
            report.found("deal", deal, "Ruled: no payment followed")
        if held.unproved:
            report.unproved.append(deal)


def _check_one_deal(
    offers: dict[Digest, tuple[Negotiation, Offer]],
    followed: dict[Digest, Followed],
    report: Report,
) -> None:
    opened_in: dict[Digest, Digest] = {}
    for deal in followed:
        talk, _ = offers[deal]
        if talk.agreement is not None and talk.agreement.digest != deal:
            report.superseded.append(deal)
        if talk.id in opened_in:
            report.found("deal", talk.id, f"two deals: {opened_in[talk.id]} and {deal}")
        opened_in[talk.id] = deal
