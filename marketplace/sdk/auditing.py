"""Auditing over the network: public bytes, RPC URLs, nobody's word.

In this order, so that nothing that comes meanwhile is missed: what was anchored, the
checkpoint, the escrow's events, the tiles.
"""

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

from marketplace.adapters.evm.anchor import EvmAnchorView
from marketplace.adapters.evm.factory import anchor_address
from marketplace.adapters.evm.view import EvmView
from marketplace.core.audit import Auditor, LoggedEntry, OnChain, Report
from marketplace.core.checkpoint import Checkpoint, LogName
from marketplace.core.decision import Decision
from marketplace.core.eip712 import Domain
from marketplace.core.errors import LogRefused, ReceiptMissing, SignatureRefused
from marketplace.core.message import Domains
from marketplace.core.note import Note, Verifier
from marketplace.core.policy import Signed, audit_decisions, signed_in
from marketplace.core.replay import ChainEvent
from marketplace.core.signature import Claim, refused
from marketplace.core.tiles import WIDTH
from marketplace.core.values import Address, address
from marketplace.ports.anchor import Anchored
from marketplace.sdk.contradiction import contradiction
from marketplace.sdk.downloading import NO_TILE, Bodies, Tiles
from marketplace.sdk.genuine import genuine_escrow
from marketplace.sdk.login import LoginSigner, RegistryLogin
from marketplace.sdk.receipts import name_of
from marketplace.sdk.registry import Registry
from marketplace.sdk.remembered import Memory, Remembered
from marketplace.sdk.tiles import TileReader, TilesOnDisk

# So many bundles are judged together.
BUNDLES = 8
CLAIMS = 512
CONNECTIONS = 4


def _silent(_done: int, _size: int) -> None:
    """Who watches nothing."""


@dataclass(frozen=True, slots=True)
class How:
    """How to audit.

    Attributes:
        memory: what is remembered of the log, and its tiles; None: nothing is.
        since: up to which size an earlier audit is to be relied on for signatures; None: none.
        vkey: the log's note key, if the auditor has it from elsewhere than the registry.
        log_key: the address of its other key, the same.
        progress: told how many entries of how many are judged.
        decisions: records of signers' limits, which the log's signatures are held against.
    """

    memory: Memory | None = None
    since: int | None = None
    vkey: str = ""
    log_key: str = ""
    progress: Callable[[int, int], None] = field(default=_silent)
    decisions: Sequence[Decision] = ()


def audit_market(
    rpc: str | Sequence[str], log: str, wallet: LoginSigner | None = None, how: How | None = None
) -> Report:
    """Audit a registry's whole log against the escrow that its messages name.

    Args:
        rpc: JSON-RPC URL of a node that the auditor believes; of several, whatever they
            disagree on is a finding.
        log: the registry's URL; it is believed in nothing.
        wallet: logs in, so that the bodies that it may read are read; without one, and
            where the registry does not show them to everybody, no rule is asked of the
            negotiations that the report names ``unread``.
        how: what is remembered between audits, and which keys are known.

    Raises:
        ParleyError: the registry's escrow is not the genuine one (see ``genuine_escrow``),
            or one of the URLs does not answer.
    """
    with ExitStack() as opened:
        everybody = opened.enter_context(closing(Registry(log)))
        urls = [rpc] if isinstance(rpc, str) else rpc
        nodes = [(url, genuine_escrow(everybody, url)) for url in urls]
        login = None
        if wallet is not None:
            login = opened.enter_context(closing(Registry(log)))
            login.auth = RegistryLogin(log, nodes[0][1].domain, wallet)
            # Whether it is let in is known now, and not after hours.
            login.log(0)
        audit = _Audit(everybody, login, nodes, how or How())
        return audit.run(wallet.address if wallet else None)


@dataclass
class _Audit:
    """One audit, from its first question to the report."""

    everybody: Registry
    login: Registry | None
    nodes: Sequence[tuple[str, EvmView]]
    how: How
    signed: list[Signed] = field(default_factory=list)

    def run(self, reader: Address | None) -> Report:
        """Ask all, judge all."""
        name = self._name()
        before = self.how.memory.load() if self.how.memory else None
        anchors = [_anchors(url, node, name) for url, node in self.nodes]
        note = self.everybody.fetch("checkpoint").decode("utf-8", "replace")
        chains = self._chains([history for history, _ in anchors])
        domains = Domains((self.nodes[0][1].domain, *_older(self.everybody)))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            auditor = Auditor(domains, chains[0], reader, in_parallel(pool))
            report = auditor.report
            _compare(chains, report)
            checkpoint = _opened(name, note, report)
            grown = before is None or self._grown(before.checkpoint, checkpoint)
            if before is not None:
                since = (self.how.since or 0) if grown and before.sound else 0
                old = before.checkpoint
                auditor.remember(*old.tree, since=min(since, old.size))
                if before.name != name:
                    report.found("log", "keys", f"known {before.name}, told {name}")
            self._check_chain(name, report, forked=any(forked for _, forked in anchors))
            self._feed(auditor, checkpoint, domains, grown=grown)
        auditor.finish("0x" + checkpoint.root.hex())
        self._conclude(report, before, Remembered(name, note, sound=True))
        return report

    def _name(self) -> LogName:
        """The log's keys: as they are known, or else as the registry tells them."""
        told = self.everybody.info().log
        if told is None:
            raise ReceiptMissing(self.everybody.url)
        named = name_of(told)
        if self.how.vkey:
            verifier = Verifier.parse(self.how.vkey)
            named = replace(named, verifier=verifier, origin=verifier.name)
        if self.how.log_key:
            named = replace(named, key=address(self.how.log_key, "key"))
        return named

    def _chains(self, anchors: Sequence[Sequence[Anchored]]) -> list[OnChain]:
        """What each node has, up to a block that all have."""
        height = min(node.height() for _, node in self.nodes)
        return [
            OnChain(_events(node, height), [a for a in taken if a.block <= height], height)
            for (_, node), taken in zip(self.nodes, anchors, strict=True)
        ]

    def _grown(self, old: Checkpoint, new: Checkpoint) -> bool:
        try:
            TileReader(self.everybody.fetch).check_growth(old.tree, new.tree)
        except NO_TILE:
            # What is wrong is found with the leaves in hand.
            return False
        return True

    def _check_chain(self, name: LogName, report: Report, *, forked: bool) -> None:
        chain = self.nodes[0][1].domain.chain_id
        if name.domain.chain_id != chain:
            told = f"the log signs for chain {name.domain.chain_id}, and this is {chain}"
            report.found("log", "keys", told)
        if forked:
            told = f"{name.key} of {name.origin} was shown there to have signed two histories"
            report.found("fork", "anchor contract", told)

    def _feed(
        self, auditor: Auditor, checkpoint: Checkpoint, domains: Domains, *, grown: bool
    ) -> None:
        memory, reader = self.how.memory, TileReader(self.everybody.fetch)
        # Of a log that was rewritten the old tiles stay: they are what it was.
        kept = TilesOnDisk(memory.tiles) if memory and grown else None
        tiles = Tiles(reader, checkpoint, kept, auditor.report)
        bodies = Bodies(self.everybody, self.login, auditor.report)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            read = (bodies.of(bundle, pool) for bundle in tiles.bundles(pool))
            for size in feed(auditor, self._watched(read, domains)):
                self.how.progress(size, checkpoint.size)

    def _watched(
        self, read: Iterable[Sequence[LoggedEntry]], domains: Domains
    ) -> Iterator[Sequence[LoggedEntry]]:
        """The same entries; what of them those have signed who decided is noted."""
        signers = {decision.question.signer for decision in self.how.decisions}
        for entries in read:
            if signers:
                self.signed += signed_in(entries, domains, signers)
            yield entries

    def _conclude(self, report: Report, before: Remembered | None, now: Remembered) -> None:
        """Say what can be shown to others, and remember the log if it is the one that it was."""
        policy = audit_decisions(self.how.decisions, self.signed)
        report.findings += policy.findings
        for what, count in policy.checked.items():
            report.count(what, count)
        if before is not None:
            kinds = [kind for kind in ("fork", "truncated") if report.has({kind})]
            memory, served = self.how.memory, TileReader(self.everybody.fetch)
            kept = TileReader(TilesOnDisk(memory.tiles).fetch) if memory else served
            report.evidence += [
                contradiction(kind, (before, kept), (now, served)) for kind in kinds
            ]
        if self.how.memory and not report.has({"fork", "truncated", "log"}):
            sound = not report.has({"message"})
            self.how.memory.save(replace(now, sound=sound))


def feed(auditor: Auditor, read: Iterable[Sequence[LoggedEntry]]) -> Iterator[int]:
    """Have entries judged, many together; tells how many there were so far."""
    waiting: list[LoggedEntry] = []
    try:
        for entries in read:
            waiting += entries
            if len(waiting) >= BUNDLES * WIDTH:
                auditor.take(waiting)
                waiting = []
                # What a market is grows with its log; the collector need not look through it
                # each time.
                gc.collect()
                gc.freeze()
                yield auditor.tree.size
        auditor.take(waiting)
        yield auditor.tree.size
    finally:
        gc.unfreeze()


def _opened(name: LogName, note: str, report: Report) -> Checkpoint:
    """The checkpoint of a note, whoever signed it."""
    try:
        return name.open(note)[0]
    except (LogRefused, SignatureRefused) as error:
        report.found("log", "checkpoint", str(error))
    return Checkpoint.parse(Note.parse(note).text)


def _compare(chains: Sequence[OnChain], report: Report) -> None:
    for place, other in enumerate(chains[1:], 2):
        difference = chains[0].differs(other)
        if difference is not None:
            report.found("rpc", f"nodes 1 and {place}", difference)


def _anchors(url: str, node: EvmView, name: LogName) -> tuple[Sequence[Anchored], bool]:
    """What the anchor contract took of a log, and whether it was shown a fork of it."""
    if not node.has_code(anchor_address()):
        return (), False
    view = EvmAnchorView(url, name.key, name.origin)
    return view.history(), view.facts().forked


def _events(node: EvmView, height: int) -> list[ChainEvent]:
    return [
        ChainEvent(e.name, e.deal, e.values, e.at, e.block, e.transaction, e.log_index)
        for e in node.events(0, height)
    ]


def in_parallel(pool: Executor) -> Callable[[Sequence[Claim]], Mapping[int, SignatureRefused]]:
    """Proves signatures on all processors: the library lets go of the interpreter meanwhile."""

    def judge(claims: Sequence[Claim]) -> Mapping[int, SignatureRefused]:
        starts = range(0, len(claims), CLAIMS)
        parts = pool.map(refused, (claims[start : start + CLAIMS] for start in starts))
        return {
            start + place: fault
            for start, part in zip(starts, parts, strict=True)
            for place, fault in part.items()
        }

    return judge


def _older(registry: Registry) -> list[Domain]:
    # Words of earlier versions are read in the domains that the registry names: the chain that
    # is asked here settles none of them, and a signature holds in its own domain or in none.
    return [
        Domain(
            each.domain.chainId,
            address(each.domain.verifyingContract, "verifyingContract"),
            each.domain.name,
            each.version,
        )
        for each in registry.info().versions[1:]
    ]
