"""The audit: replay all that was published, hold it against the chain.

Given only public bytes, the escrow's events and what the anchor contract has, it proves
every entry's place in the log, every signature, every listing and negotiation by the very
machine that made it, and that each agreement and each deal on chain are one. It trusts
nobody's word; what it cannot prove is a finding, and it is never silent about one.

1. Indexes are gapless; each leaf hash is that of its bytes; the root is that of the leaves,
   at the end and at every size that was anchored.
2. Each entry is a canonical leaf of a message that proves itself (form, domain, digest,
   signature) and of a receipt time, and the body, if it is shown, is the leaf's own.
3. No message stands twice; receipt times of a thread do not go back.
4. Each thread replays (``market``): a negotiation's listing was published before it and not
   yet replaced, and each next message is one that the machine takes, in turn and in time.
5. Each agreement's two signatures hold over the terms' digest.
6. Log and escrow agree on deals and on events (``reconcile``).

An ``Auditor`` is fed in order and in pieces, as they come from a network, and keeps of a
negotiation that has ended only what the chain knows of it. Signatures are taken down and
proved many at once, by whoever can do that on several processors.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from marketplace.core.entry import TIMEOUT, Logged, read
from marketplace.core.errors import ParleyError, SignatureRefused
from marketplace.core.glance import glance
from marketplace.core.market import Market
from marketplace.core.merkle import Tree, leaf_hash
from marketplace.core.message import Domains, Message, parse_header, parse_message
from marketplace.core.negotiation import Negotiation, State
from marketplace.core.reconcile import Deals, OnChain
from marketplace.core.replay import ChainEvent
from marketplace.core.report import Finding, Opened, Report, Right
from marketplace.core.signature import Claim, Prove, refused
from marketplace.core.values import Address, Digest, shown

__all__ = ["Auditor", "ChainEvent", "Finding", "LoggedEntry", "OnChain", "Report", "audit"]

# After these nothing follows: whatever comes is refused before it is compared with an offer.
ENDED = (State.ACCEPTED, State.FAILED)
Judge = Callable[[Sequence[Claim]], Mapping[int, SignatureRefused]]


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """One entry as it is served: index, stated leaf hash, leaf, and the body if it is shown.

    ``login`` says that the body was shown to the auditor's login and not to everybody.
    """

    index: int
    leaf_hash: str
    data: bytes
    body: bytes = b""
    login: bool = False


class Auditor:
    """Judges a log that it is fed.

    Args:
        domains: of the escrows that the auditor chose to believe; the events are the first's,
            and so no agreement of another is held against them.
        chain: what the chain has of the escrow and of the log.
        reader: whose login the bodies were shown to.
        judge: proves signatures.
    """

    def __init__(
        self,
        domains: Domains,
        chain: OnChain,
        reader: Address | None = None,
        judge: Judge = refused,
    ) -> None:
        self.report = Report()
        self.tree = Tree()
        self._domains, self._reader, self._judge = domains, reader, judge
        self._market = Market()
        self._deals = Deals(chain, domains.preferred, self.report)
        self._anchors = chain.anchors
        self._earlier: tuple[int, bytes] | None = None
        self._marks = sorted({anchor.size for anchor in self._anchors or ()}, reverse=True)
        self._readings: dict[Digest, _Reading] = {}
        self._agreements: list[Negotiation] = []

    def remember(self, size: int, root: bytes, since: int = 0) -> None:
        """Before the first entry: what an earlier audit saw of this log.

        Args:
            size: how large it was.
            root: over these.
            since: up to where every signature was found good; the entries below are replayed,
                and their signatures not proved again.
        """
        self._earlier = size, root
        self._marks = sorted({*self._marks, size}, reverse=True)
        self.report.since = since

    def take(self, entries: Sequence[LoggedEntry]) -> None:
        """The next entries."""
        self._grow(entries)
        docket = _Docket()
        words: list[_Word] = []
        faults: dict[int, ParleyError] = {}
        for place, entry in enumerate(entries):
            docket.begin()
            try:
                words.append(self._parse(entry, docket.note))
            except ParleyError as error:
                faults[place] = error
                docket.drop()
                words.append(_Word(entry, None))
        faults |= self._forged(docket)
        for place, word in enumerate(words):
            try:
                if place in faults:
                    raise faults[place]
                self._replay(word)
            except ParleyError as error:
                self.report.found("message", f"entry {word.entry.index}", str(error))
        self._prove_agreements()
        self.report.count("entries", len(entries))

    def finish(self, root: str | None = None) -> Report:
        """The report, once there are no more entries.

        Args:
            root: the root that is stated over all of them.
        """
        computed = "0x" + self.tree.root.hex()
        if root is not None and computed != root:
            told = f"stated {shown(root)}, of these entries {computed}"
            self.report.found("log", "root", told)
        self._check_length()
        for talk in [*self._market.negotiations.values()]:
            if talk.state not in ENDED:
                self._end(talk)
        self._prove_agreements()
        self._deals.reconcile(self._market.hidden)
        for negotiation, reading in self._readings.items():
            self.report.opened[negotiation] = self._opened(negotiation, reading)
        return self.report

    def _check_length(self) -> None:
        """Whatever was signed or anchored of the log before, it is as large as that now."""
        report, size = self.report, self.tree.size
        if self._earlier is not None and self._earlier[0] > size:
            told = f"signed before over {self._earlier[0]} entries, and there are {size}"
            report.found("truncated", f"size {self._earlier[0]}", told)
        for anchor in self._anchors or ():
            if anchor.size > size:
                told = f"anchored in block {anchor.block}, and there are {size} entries"
                report.found("anchor", f"size {anchor.size}", told)
        if self._anchors is not None:
            reached = [each.size for each in self._anchors if each.size <= size]
            report.unanchored = size - max(reached, default=0)

    def _grow(self, entries: Sequence[LoggedEntry]) -> None:
        leaves = [leaf_hash(entry.data) for entry in entries]
        size = self.tree.size
        for position, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), size):
            if entry.index != position:
                told = f"index {entry.index} where {position} follows"
                self.report.found("log", f"entry {position}", told)
            if entry.leaf_hash != "0x" + leaf.hex():
                told = f"leaf hash stated {shown(entry.leaf_hash)}, of these bytes 0x{leaf.hex()}"
                self.report.found("log", f"entry {entry.index}", told)
        done = 0
        while self._marks and self._marks[-1] <= size + len(leaves):
            reached = self._marks.pop() - size
            self.tree = self.tree.grown(leaves[done:reached]).tree
            self._reached()
            done = reached
        self.tree = self.tree.grown(leaves[done:]).tree

    def _reached(self) -> None:
        """Compare the root with every other that there is of this size."""
        size, root = self.tree.size, self.tree.root
        for anchor in self._anchors or ():
            if anchor.size == size:
                self.report.count("anchors")
                if anchor.root != root:
                    told = f"anchored 0x{anchor.root.hex()} in block {anchor.block}"
                    told += f", of these entries 0x{root.hex()}"
                    self.report.found("anchor", f"size {size}", told)
        if self._earlier is not None and self._earlier[0] == size and self._earlier[1] != root:
            told = f"signed before 0x{self._earlier[1].hex()}, of these entries 0x{root.hex()}"
            self.report.found("fork", f"size {size}", told)

    def _parse(self, entry: LoggedEntry, prove: Prove) -> "_Word":
        if entry.index < self.report.since:
            prove = _proved_before
        seen = None if entry.body else glance(entry.data, self._domains, prove)
        if seen is not None:
            if seen[0].envelope is None:
                self.report.count("unread")
            return _Word(entry, *seen)
        logged = read(entry.data, entry.body)
        if logged.kind == TIMEOUT or logged.sighting is not None:
            return _Word(entry, logged)
        if logged.envelope is None:
            message = parse_header(logged.leaf, self._domains.of(logged.leaf), prove)
            self.report.count("unread")
        else:
            message = parse_message(logged.envelope, self._domains.of(logged.envelope), prove)
        return _Word(entry, logged, message)

    def _forged(self, docket: "_Docket") -> Mapping[int, ParleyError]:
        self.report.count("signatures", len(docket.claims))
        return docket.faults(self._judge)

    def _replay(self, word: "_Word") -> None:
        logged, message, market = word.logged, word.message, self._market
        if logged is None:
            return
        if message is None:
            self._note(word.entry.index, logged)
            return
        thread = message.negotiation or message.digest
        if logged.said_at is not None:
            self.report.unwitnessed.add(thread)
        hidden = logged.envelope is None or market.hangs_on_hidden(message)
        if message.negotiation:
            self._readings.setdefault(thread, _Reading()).saw(word.entry, hidden=hidden)
        if hidden:
            self.report.unread.add(thread)
            market.take_hidden(message, logged.at)
            return
        market.take(message, logged.at)
        if message.negotiation:
            self._look_at(thread)

    def _note(self, index: int, logged: Logged) -> None:
        """What the registry says on its own: that a deadline has passed, or what the escrow did."""
        if logged.sighting is not None:
            self._deals.logged(index, logged.sighting)
        else:
            self._market.take_timeout(logged)
            self._look_at(str(logged.thread))

    def _look_at(self, thread: Digest) -> None:
        talk = self._market.negotiations.get(thread)
        if talk is not None and talk.state in ENDED:
            self._end(talk)
            # What was said is judged; kept is only what refuses a word that comes too late.
            forgotten = replace(talk, offers=(), sealed=(), agreement=None)
            self._market.negotiations[thread] = forgotten

    def _end(self, talk: Negotiation) -> None:
        self.report.count("negotiations")
        if talk.sealed:
            self.report.sealed.add(talk.id)
        if talk.agreed is not None:
            self.report.count("agreements")
            # Of a confidential one there is no more than the two signatures that parsing proved.
            if talk.agreement is not None:
                self._agreements.append(talk)
        self._deals.ends(talk)

    def _prove_agreements(self) -> None:
        docket = _Docket()
        faults: dict[int, ParleyError] = {}
        for place, talk in enumerate(self._agreements):
            docket.begin()
            try:
                if talk.agreement is not None:
                    talk.agreement.check(talk.domain, prove=docket.note)
            except ParleyError as error:
                faults[place] = error
                docket.drop()
        for place, fault in sorted({**faults, **self._forged(docket)}.items()):
            self.report.found("agreement", self._agreements[place].id, str(fault))
        self._agreements.clear()

    def _opened(self, negotiation: Digest, reading: "_Reading") -> Opened:
        talk = self._market.negotiations.get(negotiation)
        right = Right.PUBLIC if reading.public else Right.NONE
        if reading.login:
            parties = (talk.invitation.buyer, talk.invitation.seller) if talk else ()
            right = Right.PARTY if self._reader in parties else Right.AUTHORISED
        return Opened(right, reading.public + reading.login, reading.unread)


@dataclass(frozen=True, slots=True)
class _Word:
    """An entry, read; without a message where it is the registry's own."""

    entry: LoggedEntry
    logged: Logged | None
    message: Message | None = None


@dataclass(slots=True)
class _Docket:
    """Signatures that are taken down now and proved together, each for who began last."""

    claims: list[Claim] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def begin(self) -> None:
        """What follows is the next one's."""
        self.starts.append(len(self.claims))

    def note(self, digest: Digest, signature: str, expected: Address) -> None:
        """A signature to be proved."""
        self.claims.append((digest, signature, expected))

    def drop(self) -> None:
        """The last one is refused without its signatures."""
        del self.claims[self.starts[-1] :]

    def faults(self, judge: Judge) -> Mapping[int, SignatureRefused]:
        """Whose signatures do not hold, by the order of beginning, and the first why."""
        found = judge(self.claims) if self.claims else {}
        # The first fault of each is set last.
        return {
            bisect_right(self.starts, claim) - 1: fault
            for claim, fault in sorted(found.items(), reverse=True)
        }


@dataclass(slots=True)
class _Reading:
    """How many words of a negotiation were shown to everybody, to a login, and not at all."""

    public: int = 0
    login: int = 0
    unread: int = 0

    def saw(self, entry: LoggedEntry, *, hidden: bool) -> None:
        """One more word."""
        if hidden:
            self.unread += 1
        elif entry.login:
            self.login += 1
        else:
            self.public += 1


def audit(
    entries: Sequence[LoggedEntry], root: str, events: Sequence[ChainEvent], domains: Domains
) -> Report:
    """Check a whole log and the whole escrow against each other.

    Args:
        entries: every entry, in order.
        root: the root that the registry states.
        events: every event of the escrow about deals, in order.
        domains: as an ``Auditor`` has them.
    """
    auditor = Auditor(domains, OnChain(events))
    auditor.take(entries)
    return auditor.finish(root)


def _proved_before(digest: Digest, signature: str, expected: Address) -> None:
    """Of an entry whose leaf hash an earlier audit has judged."""
