"""Decisions: what a signer's limits said of terms, on record.

A decision is a question and its answer. The question holds all that ``decide`` looks at,
so that anybody to whom the record is shown asks it again (``reevaluate``). Each decision
names the one before it by its digest: what is left out in between is seen to be missing.
A digest tells nothing of what it is of: 256 bits of salt are in it.

What a seller's capacity refused is on record as the limits' yes and its no: the limits are
asked again, the units that were free are the signer's word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final

from marketplace.core.eip712 import Domain, exactly
from marketplace.core.errors import DigestMismatch, ParleyError, Unservable, ValueMalformed
from marketplace.core.guardrails import LATEST, Exposure, Limits, Proposal, decide
from marketplace.core.outcome import QUANTITY, UNIT_PRICE, Subject
from marketplace.core.terms import Terms
from marketplace.core.values import (
    Address,
    Digest,
    Json,
    address,
    canonical,
    decimal,
    digest,
    integer,
    mapping,
    shown,
    text,
)

FORMAT: Final = "parley.decision.1"
ALLOW: Final = "allow"
DENY: Final = "deny"
LONGEST_RULE = 40
# All whom a human trusts are one value.
LONGEST_VALUE = 1 << 16
# What a record on its own has beside what stands in the ledger.
EXPOSURE: Final = "exposure"
MEMBERS: Final = (
    *("format", "policy", "policy_digest", "domain", "signer", "negotiation", "deal", "terms"),
    *("subject", EXPOSURE, "now", "verdict", "rule", "values", "previous", "salt", "digest"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was decided.

    Attributes:
        rule: the code of the refusal; none where the signature was allowed.
        values: the refusal's, which disagree; integers as decimal strings.
    """

    rule: str | None
    values: Mapping[str, str]

    @property
    def verdict(self) -> str:
        """Allow or deny."""
        return ALLOW if self.rule is None else DENY

    @classmethod
    def of(cls, refused: ParleyError) -> "Answer":
        """No, and why."""
        return cls(refused.code, {name: str(value) for name, value in refused.values.items()})

    def __str__(self) -> str:
        """For findings: the verdict, the rule, its values."""
        told = ", ".join(f"{name}={value}" for name, value in sorted(self.values.items()))
        return f"{self.verdict} {self.rule} ({told})" if self.rule else self.verdict


YES = Answer(None, {})


@dataclass(frozen=True, slots=True)
class Question:
    """Whether terms may be signed, with all that the answer depends on.

    Attributes:
        limits: the policy.
        exposure: everything signed before.
        signer: whose key would sign.
        negotiation: in which talk.
        domain: in which the terms' digest is the deal.
        proposal: what would be signed.
        now: integer seconds UTC.
    """

    limits: Limits
    exposure: Exposure
    signer: Address
    negotiation: Digest
    domain: Domain
    proposal: Proposal
    now: int

    def after(self) -> Exposure:
        """The exposure after the signature; raises why there is none (``decide``)."""
        return decide(self.limits, self.exposure, self.signer, self.proposal, self.now)

    def answer(self) -> Answer:
        """What the limits say, as a value."""
        try:
            self.after()
        except ParleyError as refused:
            return Answer.of(refused)
        return YES


@dataclass(frozen=True)
class Decision:
    """One decision, as it was recorded before any signature.

    Attributes:
        question: what was asked.
        answer: what was decided.
        previous: digest of the decision before it in the same ledger; zero: it was the first.
        salt: 256 random bits.
    """

    question: Question
    answer: Answer
    previous: Digest
    salt: Digest

    @property
    def deal(self) -> Digest:
        """Digest of the terms."""
        return self.question.proposal.deal

    @property
    def allowed(self) -> bool:
        """Whether a signature may have followed."""
        return self.answer.rule is None

    @property
    def after(self) -> Exposure:
        """What was committed once the decision stood."""
        asked = self.question
        if not self.allowed:
            return asked.exposure
        return asked.exposure.offered(*asked.proposal.commitment(asked.signer))

    @cached_property
    def digest(self) -> Digest:
        """SHA-256 of the canonical JSON (RFC 8785) of the rest."""
        return "0x" + sha256(canonical(self._told())).hexdigest()

    def to_json(self) -> dict[str, Json]:
        """The whole record, for whoever asks the question again."""
        return {**self._told(), "digest": self.digest}

    def brief(self) -> dict[str, Json]:
        """The record as its ledger keeps it, where the exposure follows from the lines before."""
        return {**self._beside(), "digest": self.digest}

    @classmethod
    def from_json(cls, given: Json, exposure: Exposure | None = None) -> "Decision":
        """Parse strictly: what stands in it has one spelling, and its digests hold.

        Args:
            given: the record.
            exposure: of what a ledger keeps (``brief``).
        """
        found = mapping(given, "decision")
        exactly(found, {*MEMBERS} if exposure is None else {*MEMBERS} - {EXPOSURE})
        if found["format"] != FORMAT:
            raise ValueMalformed("format", shown(found["format"]), FORMAT)
        made = cls(
            question=_question(found, exposure),
            answer=_answer(found),
            previous=digest(found["previous"], "previous"),
            salt=digest(found["salt"], "salt"),
        )
        if digest(found["digest"]) != made.digest:
            raise DigestMismatch(str(found["digest"]), made.digest)
        if made.brief() != {name: told for name, told in found.items() if name != EXPOSURE}:
            # An address in another case, of which the digest would be the same.
            raise ValueMalformed("decision", made.digest, "values in their one spelling")
        return made

    def _told(self) -> dict[str, Json]:
        return {**self._beside(), EXPOSURE: self.question.exposure.to_json()}

    def _beside(self) -> dict[str, Json]:
        asked, answer = self.question, self.answer
        terms = asked.proposal.terms
        return {
            "format": FORMAT,
            "policy": asked.limits.to_json(),
            "policy_digest": asked.limits.digest,
            "domain": asked.domain.to_json(),
            "signer": asked.signer,
            "negotiation": asked.negotiation,
            "deal": asked.proposal.deal,
            # A rail may be an enumeration's member, which takes the slow way to canonical bytes.
            "terms": {**terms.to_message(), "rail": int(terms.rail)},
            "subject": asked.proposal.subject.to_json(),
            "now": asked.now,
            "verdict": answer.verdict,
            "rule": answer.rule,
            "values": dict(answer.values),
            "previous": self.previous,
            "salt": self.salt,
        }


def reevaluate(decision: Decision) -> str | None:
    """Why the answer is not the one that the question has; None where it is."""
    computed, recorded = decision.question.answer(), decision.answer
    if recorded.rule == Unservable.__name__ and computed == YES:
        return _unservable(decision)
    if computed == recorded:
        return None
    return f"recorded {recorded}, by its own policy {computed}"


def check_recordable(subject: Subject) -> None:
    """Raise ValueMalformed for a subject of which there could be no record."""
    _check_priced(Subject.from_json(subject.to_json()))


def _unservable(decision: Decision) -> str | None:
    asked, values = decision.question, decision.answer.values
    units = asked.proposal.subject.outcome[QUANTITY]
    selling = asked.signer == asked.proposal.terms.seller
    if not selling or values.keys() != {"units", "available"} or values["units"] != str(units):
        return f"recorded {decision.answer}, of {units} units of {asked.signer}"
    try:
        enough = units <= decimal(values["available"], "available")
    except ValueMalformed as refused:
        return str(refused)
    return f"recorded {decision.answer}, which are enough" if enough else None


def _question(found: Mapping[str, Json], exposure: Exposure | None) -> Question:
    domain, terms = _domain(found["domain"]), Terms.from_message(found["terms"])
    subject = Subject.from_json(found["subject"])
    _check_priced(subject)
    return Question(
        limits=Limits.from_json(found["policy"]),
        exposure=Exposure.from_json(found[EXPOSURE]) if exposure is None else exposure,
        signer=address(found["signer"], "signer"),
        negotiation=digest(found["negotiation"], "negotiation"),
        domain=domain,
        proposal=Proposal(terms.digest(domain), terms, subject),
        now=integer(found["now"], "now", 0, LATEST),
    )


def _answer(found: Mapping[str, Json]) -> Answer:
    verdict, rule = found["verdict"], found["rule"]
    values = {
        text(name, "values", LONGEST_RULE): _value(value)
        for name, value in mapping(found["values"], "values").items()
    }
    named = None if rule is None else text(rule, "rule", LONGEST_RULE)
    answer = Answer(named, values)
    if verdict != answer.verdict or (named is None and values):
        raise ValueMalformed("verdict", shown(verdict), f"{answer.verdict}, as the rule says")
    return answer


def _value(given: Json) -> str:
    # Empty where a human trusts nobody.
    return "" if given == "" else text(given, "values", LONGEST_VALUE)


def _domain(given: Json) -> Domain:
    found = mapping(given, "domain")
    exactly(found, {"name", "version", "chainId", "verifyingContract"})
    return Domain(
        integer(found["chainId"], "chainId", 0, (1 << 53) - 1),
        address(found["verifyingContract"], "verifyingContract"),
        text(found["name"], "name", LONGEST_RULE),
        text(found["version"], "version", LONGEST_RULE),
    )


def _check_priced(subject: Subject) -> None:
    # What ``decide`` asks of a subject; its other issues are the listing's business.
    for name in (UNIT_PRICE, QUANTITY):
        if name not in subject.outcome:
            raise ValueMalformed("subject", shown(list(subject.outcome)), f"a value for {name}")
