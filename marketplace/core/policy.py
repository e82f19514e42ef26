"""Auditing policies: decisions asked again, signatures held against them.

A record is what one ledger wrote down, or a part of it. Its decisions name each other, so
that it falls into runs in which nothing is missing. What lies outside of them is not judged:

1. Each answer is the one that its question has (``reevaluate``).
2. Within a run, each exposure is the one that the decision before has left, less nonces
   that were freed. That the chain had freed them is not asked here.
3. Terms that a log received within a run's time, signed by one for whom the run decided,
   were allowed by a decision, or committed before the run began.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from marketplace.core.audit import LoggedEntry
from marketplace.core.decision import Decision, reevaluate
from marketplace.core.eip712 import Domain
from marketplace.core.entry import read
from marketplace.core.errors import ParleyError
from marketplace.core.message import Domains, parse_header, parse_message
from marketplace.core.report import Finding
from marketplace.core.values import ZERO_DIGEST, Address, Digest
from marketplace.core.words import Kind

POLICY = "policy"
BINDING = (Kind.OFFER, Kind.ACCEPTANCE)


@dataclass(frozen=True, slots=True)
class Signed:
    """Terms under somebody's signature, an offer or an acceptance, as a log has it.

    Attributes:
        where: its place in the log.
        domain: in which it was signed.
        signer: whose signature.
        deal: the terms' digest.
        at: the instant that rules the negotiation.
    """

    where: str
    domain: Domain
    signer: Address
    deal: Digest
    at: int


@dataclass
class PolicyReport:
    """What was found in a record, and how much was looked at.

    Attributes:
        findings: of kind "policy".
        checked: counts of ``decisions`` and of their ``runs``; of ``gaps``, before which there
            was a decision that is not in the record; of signatures that were held against it
            (``decided``) and of those ``outside``; and of nonces that were ``freed`` on the
            signer's word.
    """

    findings: list[Finding] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)

    def found(self, where: str, what: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(POLICY, where, what))

    def count(self, what: str, more: int = 1) -> None:
        """Add to what was checked."""
        self.checked[what] = self.checked.get(what, 0) + more


def audit_decisions(decisions: Iterable[Decision], signed: Iterable[Signed]) -> PolicyReport:
    """Judge records, and what a log has signed against them.

    Args:
        decisions: in their order; of several ledgers, one after the other.
        signed: every offer and acceptance of a log.
    """
    report = PolicyReport()
    runs = _runs(decisions)
    for run in runs:
        report.count("runs")
        _check_run(run, report)
    spans = [_Span(run) for run in runs]
    allowed = {(each.question.signer, each.deal) for run in runs for each in run if each.allowed}
    for each in signed:
        _check_signed(each, spans, allowed, report)
    return report


def signed_in(
    entries: Iterable[LoggedEntry], domains: Domains, signers: AbstractSet[Address]
) -> Iterator[Signed]:
    """What a log's leaves show to be signed by these, each signature proved.

    No body is needed for that. A leaf that is not in order is the log's audit's to find.
    """
    for entry in entries:
        try:
            logged = read(entry.data, b"")
            if logged.kind not in BINDING or str(logged.leaf.get("signer")) not in signers:
                continue
            whole, domain = logged.envelope, domains.of(logged.leaf)
            word = (
                parse_header(logged.leaf, domain) if whole is None else parse_message(whole, domain)
            )
        except ParleyError:
            continue
        yield Signed(f"entry {entry.index}", domain, word.signer, word.digest, logged.at)


class _Span:
    """For whom a run decided, from when to when, and what was committed before it."""

    def __init__(self, run: Sequence[Decision]) -> None:
        times = [each.question.now for each in run]
        self.first, self.last = min(times), max(times)
        self.signers = {(each.question.domain, each.question.signer) for each in run}
        before = run[0].question.exposure.commitments.values()
        self.before = {deal for commitment in before for deal in commitment.deals}

    def speaks_for(self, signed: Signed) -> bool:
        return (signed.domain, signed.signer) in self.signers

    def covers(self, signed: Signed) -> bool:
        # In the first and the last second others may have been decided that are not in it.
        within = self.first < signed.at < self.last
        return within and self.speaks_for(signed) and signed.deal not in self.before


def _runs(decisions: Iterable[Decision]) -> list[list[Decision]]:
    runs: list[list[Decision]] = []
    seen: set[Digest] = set()
    for each in decisions:
        if each.digest in seen:
            continue
        seen.add(each.digest)
        follows = bool(runs) and each.previous == runs[-1][-1].digest
        if follows:
            runs[-1].append(each)
        else:
            runs.append([each])
    return runs


def _check_run(run: Sequence[Decision], report: PolicyReport) -> None:
    for before, each in zip([None, *run], run, strict=False):
        report.count("decisions")
        why = reevaluate(each)
        if why is not None:
            report.found(each.digest, why)
        if before is not None:
            _check_exposure(before, each, report)
        elif each.previous != ZERO_DIGEST:
            report.count("gaps")


def _check_exposure(before: Decision, each: Decision, report: PolicyReport) -> None:
    left = before.after.commitments
    given = each.question.exposure.commitments
    for nonce, commitment in given.items():
        if left.get(nonce) != commitment:
            told = f"nonce {nonce} commits to {commitment}, after {before.digest} to"
            report.found(each.digest, f"{told} {left.get(nonce, 'nothing')}")
    report.count("freed", len(left.keys() - given.keys()))


def _check_signed(
    signed: Signed,
    spans: Sequence[_Span],
    allowed: AbstractSet[tuple[Address, Digest]],
    report: PolicyReport,
) -> None:
    if (signed.signer, signed.deal) in allowed:
        report.count("decided")
        return
    if not any(span.speaks_for(signed) for span in spans):
        return
    if not any(span.covers(signed) for span in spans):
        report.count("outside")
        return
    report.count("decided")
    told = f"{signed.signer} signed terms {signed.deal} at {signed.at}"
    report.found(signed.where, f"{told}, and no decision in the record allows them")
