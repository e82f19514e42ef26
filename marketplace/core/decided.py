"""Decided: the decisions that a file names, against its holder's record.

A file has digests alone: what was decided, and by which limits, is its owner's. Whom the
owner shows the record finds there what each digest stands for, asks it again, and sees
whether of this deal anything was left out.
"""

from collections.abc import Mapping, Sequence

from marketplace.core.decision import Decision, reevaluate
from marketplace.core.errors import DigestMismatch, NotAParty, ValueMalformed
from marketplace.core.exhibits import Exhibits
from marketplace.core.values import Digest
from marketplace.core.verdict import Verdict


def check_decided(case: Exhibits, record: Sequence[Decision], verdict: Verdict) -> None:
    """Judge the digests of a file.

    Args:
        case: the file.
        record: what its holder showed, in any order, other deals' too; empty: nothing.
        verdict: what is found is added to.
    """
    held = {each.digest: each for each in record}
    places = {name: at for at, name in enumerate(case.decisions)}
    unknown = len(places.keys() - held.keys())
    if unknown or not record:
        more = "" if record else ", and whether there are more"
        verdict.unchecked.append(
            f"decisions: what {unknown} digests stand for{more}: the holder's record says so"
        )
    for name, at in places.items():
        if name in held:
            with verdict.proving("decision", f"decisions[{at}]", "decisions"):
                _check_one(case, held[name])
                _check_order(name, places, held)
    for name, decision in held.items():
        if decision.deal == case.deal and name not in places:
            told = f"{name} of {decision.question.signer} is left out: {decision.answer}"
            verdict.found("decision", "decisions", told)


def _check_one(case: Exhibits, decision: Decision) -> None:
    asked, parties = decision.question, (case.terms.buyer, case.terms.seller)
    if decision.deal != case.deal:
        raise DigestMismatch(case.deal, decision.deal)
    if asked.negotiation != case.negotiation:
        raise DigestMismatch(case.negotiation, asked.negotiation)
    if asked.signer not in parties:
        raise NotAParty(asked.signer, " ".join(parties))
    why = reevaluate(decision)
    if why is not None:
        raise ValueMalformed("answer", decision.digest, why)


def _check_order(
    name: Digest, places: Mapping[Digest, int], held: Mapping[Digest, Decision]
) -> None:
    # Back to the last one that the file names, over those of other deals in between.
    before = held[name].previous
    while before in held and before not in places:
        before = held[before].previous
    if before in places and places[before] > places[name]:
        raise ValueMalformed("decisions", name, f"after {before}, which came before it")
