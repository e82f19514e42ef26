"""The audit: replay all that was published, hold it against the chain.

Given only public bytes and the escrow's events, it proves every entry's place in the
log, every signature, every listing and negotiation by the very machine that made it,
and that each agreement and each deal on chain are one. It trusts nobody's word; what
it cannot prove is a finding, and it is never silent about one.

1. Indexes are gapless; each leaf hash is that of its bytes; the root is that of the leaves.
2. Each entry is a canonical leaf of a message that proves itself (form, domain, digest,
   signature) and of a receipt time, and the body, if it is shown, is the leaf's own.
3. No message stands twice; receipt times of a thread do not go back.
4. Each thread replays (``market``): a negotiation's listing was published before it and not
   yet replaced, and each next message is one that the machine takes.
5. Each agreement's two signatures hold over the terms' digest.
6. Each deal that the escrow opened is an offer of a negotiation, with the same parties,
   token, price, bond and nonces; and its later events are ones that the deal machine
   takes, each payment to the unit (``replay``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from marketplace.core.eip712 import Domain
from marketplace.core.entry import TIMEOUT, read
from marketplace.core.errors import ParleyError
from marketplace.core.market import Market
from marketplace.core.merkle import leaf_hash, root_hash
from marketplace.core.message import Domains, parse_header, parse_message
from marketplace.core.negotiation import Negotiation, Offer
from marketplace.core.replay import ChainEvent, Followed, follow
from marketplace.core.values import Digest, shown

OPENINGS = ("Opened", "Swapped")

Nonces = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """One entry as the registry serves it: index, stated leaf hash, leaf, body if it is shown."""

    index: int
    leaf_hash: str
    data: bytes
    body: bytes = b""


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
    on a voucher or a settlement, whose signatures no event shows; ``confidential`` ones, whose
    terms nobody but the parties can read, so that no payment was judged. Of negotiations, and
    of words outside of any: ``unread`` ones, of which some body, or one that they hang on, was
    not shown, so that no rule was asked of them; ``sealed`` ones, whose offers only the parties
    can read; and ``unwitnessed`` ones, which were handed in after they were said, so that their
    times are the parties'.
    """

    checked: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unopened: list[Digest] = field(default_factory=list)
    unlogged: list[Digest] = field(default_factory=list)
    linked: dict[Digest, Digest] = field(default_factory=dict)
    superseded: list[Digest] = field(default_factory=list)
    unproved: list[Digest] = field(default_factory=list)
    confidential: list[Digest] = field(default_factory=list)
    unread: set[Digest] = field(default_factory=set)
    sealed: set[Digest] = field(default_factory=set)
    unwitnessed: set[Digest] = field(default_factory=set)

    @property
    def ok(self) -> bool:
        """Nothing was found against the log; see also ``complete``."""
        return not self.findings

    @property
    def complete(self) -> bool:
        """Every word was read, every deal is a logged agreement, paid on what events show."""
        deals = self.unlogged or self.linked or self.superseded or self.unproved
        words = self.unread or self.sealed or self.unwitnessed
        return not (deals or words or self.confidential)

    def found(self, kind: str, where: str, what: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, where, what))

    def count(self, what: str, more: int = 1) -> None:
        """Add to what was checked."""
        self.checked[what] = self.checked.get(what, 0) + more


def audit(
    entries: Sequence[LoggedEntry], root: str, events: Sequence[ChainEvent], domains: Domains
) -> Report:
    """Check a whole log and the whole escrow against each other.

    Args:
        entries: every entry, in order.
        root: the root that the registry states.
        events: every event of the escrow about deals, in order.
        domains: of the escrows that the auditor chose to believe; the events are the first's,
            and so no agreement of another is held against them.
    """
    report, market = Report(), Market()
    _check_tree(entries, root, report)
    for entry in entries:
        try:
            _replay(market, entry, domains, report)
        except ParleyError as error:
            report.found("message", f"entry {entry.index}", str(error))
        report.count("entries")
    _check_agreements(market, report)
    _check_deals(market, events, domains.preferred, report)
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


def _replay(market: Market, entry: LoggedEntry, domains: Domains, report: Report) -> None:
    logged = read(entry.data, entry.body)
    if logged.kind == TIMEOUT:
        market.take_timeout(logged)
        return
    if logged.envelope is None:
        message = parse_header(logged.leaf, domains.of(logged.leaf))
        report.count("unread")
    else:
        message = parse_message(logged.envelope, domains.of(logged.envelope))
    if logged.said_at is not None:
        report.unwitnessed.add(message.negotiation or message.digest)
    if logged.envelope is None or market.hangs_on_hidden(message):
        report.unread.add(message.negotiation or message.digest)
        market.take_hidden(message, logged.at)
    else:
        market.take(message, logged.at)


def _check_agreements(market: Market, report: Report) -> None:
    for negotiation in market.negotiations.values():
        report.count("negotiations")
        if negotiation.sealed:
            report.sealed.add(negotiation.id)
        if negotiation.agreed is None:
            continue
        report.count("agreements")
        try:
            # Of a confidential one there is no more than the two signatures that parsing proved.
            if negotiation.agreement is not None:
                negotiation.agreement.check(negotiation.domain)
        except ParleyError as error:
            report.found("agreement", negotiation.id, str(error))


def _check_deals(
    market: Market, events: Iterable[ChainEvent], domain: Domain, report: Report
) -> None:
    talks = [talk for talk in market.negotiations.values() if talk.domain == domain]
    offers = {offer.digest: (talk, offer) for talk in talks for offer in talk.offers}
    closed = market.hidden | {offer.digest for talk in talks for offer in talk.sealed}
    nonces = _by_nonces(talks)
    followed: dict[Digest, Followed] = {}
    for event in events:
        report.count("events")
        if event.deal in offers:
            _follow(followed, offers[event.deal][1], event, report)
        elif event.name in OPENINGS and event.deal in closed:
            report.confidential.append(event.deal)
        elif event.name in OPENINGS:
            _tell_unlogged(nonces, event, report)
    report.count("deals", len(followed))
    _check_one_deal(offers, followed, report)
    _check_ends(followed, report)
    known = followed.keys() | {*report.confidential}
    report.unopened += [talk.head for talk in talks if talk.agreed and talk.head not in known]


def _follow(
    followed: dict[Digest, Followed], offer: Offer, event: ChainEvent, report: Report
) -> None:
    try:
        held = followed.get(event.deal, Followed())
        followed[event.deal] = follow(held, offer.terms, event)
    except ParleyError as error:
        report.found("deal", event.deal, f"{event.name}: {error}")


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
