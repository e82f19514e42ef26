"""Evidence: one deal's file, judged by whoever has it, nobody asked.

The rules, in the order in which they are asked:

1. Form. The file has exactly the members of ``exhibits``, each in its one spelling.
2. Entries. Each leaf is canonical and commits to its body; each is a message that its
   signer signed, in the deal's domain; what is said to be in a confidential offer's boxes
   is what was signed.
3. Log. Both keys of the log signed the checkpoint; its tree has each leaf at its index;
   indexes and times go up in the transcript's order.
4. Talk. The listing is the one that was invited to, and the negotiation's machine takes
   each word at its own time, whose turn it was, to the acceptance of this deal; or to its
   offer, where the file says that no acceptance was heard and the chain has the deal.
5. Agreement. The terms' digest is the deal's id, the subject is the terms' own, both
   signatures are over these terms and are those of the transcript; the typed data is
   theirs in full, and the escrow is the one that this version has on every chain.
6. Receipts. The log's key signed each; it is of the word that the file has there, under a
   tree that the checkpoint's grew out of, or that grew out of it.
7. Anchors. Each is a tree of which the checkpoint's grew, or that grew out of it.
8. Events. The deal's machine takes each, every payment to the unit; the delivery's digest
   is the one that the escrow recorded.
9. Chain, where a node was asked. The chain has the escrow, each anchor, and these very
   events: none more, none less.
10. Decisions, where the holder showed them. Each that the file names is of this deal, by a
   party to it, and its answer is the one that its question has; none stands before one that
   it came after; and of this deal there is none that the file does not name.

What a rule could not be asked of is told in ``Verdict.unchecked``, never passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from marketplace.core.agreement import Agreement
from marketplace.core.checkpoint import Checkpoint, log_domain
from marketplace.core.decided import check_decided
from marketplace.core.decision import Decision
from marketplace.core.eip712 import typed_data
from marketplace.core.entry import Logged, read, salt_of
from marketplace.core.errors import (
    DigestMismatch,
    DomainMismatch,
    EscrowAbsent,
    EscrowUnknown,
    NotConsistent,
    ParleyError,
    ValueMalformed,
    VersionUnsupported,
    WrongSigner,
)
from marketplace.core.exhibits import Event, Exhibits, Word, read_exhibits
from marketplace.core.merkle import Proof, check_consistency, check_inclusion, leaf_hash
from marketplace.core.message import Message, parse_message
from marketplace.core.negotiation import advance, begin
from marketplace.core.replay import Followed, follow
from marketplace.core.values import ZERO_ADDRESS, Json, shown
from marketplace.core.verdict import Known, Told, Verdict
from marketplace.core.words import Kind


@dataclass(frozen=True, slots=True)
class Said:
    """An entry that proved itself."""

    place: str
    word: Word
    message: Message
    logged: Logged


def verify(
    given: Json, known: Known, told: Told | None = None, decisions: Sequence[Decision] = ()
) -> Verdict:
    """Judge a file.

    Args:
        given: the parsed JSON.
        known: the genuine contracts.
        told: what the chain says of this deal and log; None where it was not asked.
        decisions: what the holder's record has, as it was read (``Decision.from_json``).
    """
    verdict = Verdict()
    try:
        case = read_exhibits(given)
    except ParleyError as error:
        verdict.found("format", "file", str(error))
        return verdict
    said = _entries(case, verdict)
    checkpoint = _log(case, known, verdict)
    # Whoever opened it showed both signatures to the escrow.
    opened = told is not None and bool(told.events)
    _talk(case, said, verdict, opened=opened)
    _domain(case, known, verdict)
    _agreement(case, said, verdict, opened=opened)
    if checkpoint is not None:
        _receipts(case, said, checkpoint, verdict)
        _anchors(case, checkpoint, told, verdict)
    _events(case, verdict)
    _chain(case, told, verdict)
    check_decided(case, decisions, verdict)
    return verdict


# ------------------------------------------------------------------ entries and talk


def _entries(case: Exhibits, verdict: Verdict) -> list[Said]:
    said = []
    for place, word in case.words:
        with verdict.proving("entry", place, "entries"):
            said.append(_said(case, place, word))
    for one in said:
        _tell_unseen(one, verdict)
    if any(one.message.sealed for one in said):
        verdict.unchecked.append(
            "talk: offers whose boxes nobody opened: their outcomes and improvement"
        )
        # A talk is sealed from its first offer to its last, or it is none to its machine.
        return [_said(case, each.place, each.word, opened=False) for each in said]
    return said


def _said(case: Exhibits, place: str, word: Word, *, opened: bool = True) -> Said:
    logged = read(word.leaf, word.body)
    if logged.envelope is None:
        raise ValueMalformed("body", shown(word.body.decode()), "a word of a party, body and all")
    message = parse_message(logged.envelope, case.domain)
    if word.opened is not None:
        if message.sealed is None:
            raise ValueMalformed("opened", message.kind, "none, of what was not sealed")
        inside = message.opened(*word.opened)
        message = inside if opened else message
    return Said(place, word, message, logged)


def _tell_unseen(one: Said, verdict: Verdict) -> None:
    if one.logged.said_at is not None:
        verdict.unchecked.append(f"{one.place}: when it was said: it was handed in later")
    if one.message.mandate is not None:
        verdict.unchecked.append(f"{one.place}: whether its signer's delegation was revoked before")


def _talk(case: Exhibits, said: Sequence[Said], verdict: Verdict, *, opened: bool) -> None:
    _order(said, verdict)
    if not case.transcript:
        verdict.found("talk", "transcript", "no words")
        return
    if len(said) < len(case.words):
        verdict.unchecked.append("talk: not replayed, as not all of its entries hold")
        return
    listing, invitation, *words = said
    try:
        place = invitation.place
        talk = begin(invitation.message, listing.message, invitation.logged.at)
        for one in words:
            place = one.place
            talk = advance(talk, one.message, one.logged.at)
    except ParleyError as error:
        verdict.found("talk", place, str(error))
        return
    if talk.id != case.negotiation:
        verdict.found("talk", "negotiation", str(DigestMismatch(case.negotiation, talk.id)))
    verdict.checked["words replayed"] = talk.length
    unheard = "" in (case.buyer_signature, case.seller_signature)
    if talk.agreed is None and talk.head == case.deal and unheard and opened:
        verdict.unchecked.append("talk: no acceptance was heard; the escrow opened the offer")
    elif talk.agreed != case.deal:
        ends = f"it ends as {talk.state} on {talk.head}, not in the acceptance of {case.deal}"
        verdict.found("talk", place, ends)


def _order(said: Sequence[Said], verdict: Verdict) -> None:
    for before, after in pairwise(said):
        one, other = before.word.index, after.word.index
        if one is not None and other is not None and one >= other:
            verdict.found("log", after.place, f"index {other}, not after {one} of {before.place}")
        # A listing's clock is its own thread's.
        if before.place != "listing" and before.logged.at > after.logged.at:
            told = f"time {after.logged.at}, before {before.logged.at} of {before.place}"
            verdict.found("log", after.place, told)


# ------------------------------------------------------------------ log


def _log(case: Exhibits, known: Known, verdict: Verdict) -> Checkpoint | None:
    log = case.log
    if log is None:
        verdict.unchecked.append("log: the two talked without a registry; times are their own")
        return None
    with verdict.proving("log", "log"):
        if known.key is not None and log.key != known.key:
            raise WrongSigner(known.key, log.key)
        expected = log_domain(case.domain.chain_id, known.anchor)
        if log.domain.verifying_contract != ZERO_ADDRESS and log.domain != expected:
            raise DomainMismatch(str(log.domain.to_json()), str(expected.to_json()))
    if known.key is None:
        verdict.unchecked.append(f"log: whether {log.key} is the key of {shown(log.origin)}")
    verdict.unchecked.append(
        "log: whether the listing was replaced before, and words that move nothing"
        " (escalations, exits that an acceptance overruled): the whole log says so"
    )
    checkpoint = None
    with verdict.proving("log", "checkpoint", "checkpoints"):
        checkpoint, _ = log.open(case.note)
    if checkpoint is None:
        return None
    for place, word in case.words:
        with verdict.proving("log", place, "inclusion proofs"):
            check_inclusion(leaf_hash(word.leaf), word.index or 0, checkpoint.tree, word.proof)
    return checkpoint


def _receipts(
    case: Exhibits, said: Sequence[Said], checkpoint: Checkpoint, verdict: Verdict
) -> None:
    words = {word.index: word for _, word in case.words}
    held = {one.word.index: one.logged.envelope for one in said}
    for at, (kept, proof) in enumerate(case.receipts):
        word, envelope = words.get(kept.index), held.get(kept.index)
        if case.log is None or (word is not None and envelope is None):
            verdict.unchecked.append(f"receipts[{at}]: its entry does not hold")
            continue
        with verdict.proving("receipt", f"receipts[{at}]", "receipts"):
            if word is None or envelope is None:
                raise ValueMalformed("leaf", shown(kept.leaf.decode()), "a word of the transcript")
            kept.check(case.log, envelope)
            if kept.salt != (salt_of(word.body) or ""):
                raise DigestMismatch(kept.salt, str(salt_of(word.body)))
            _check_growth(kept.checkpoint.tree, checkpoint.tree, proof)


def _anchors(case: Exhibits, checkpoint: Checkpoint, told: Told | None, verdict: Verdict) -> None:
    reach = 0
    for at, (anchor, proof) in enumerate(case.anchors):
        with verdict.proving("anchor", f"anchors[{at}]", "anchors"):
            _check_growth((anchor.size, anchor.root), checkpoint.tree, proof)
            reach = max(reach, anchor.size)
    for anchor in told.anchors if told is not None else ():
        if anchor.size == checkpoint.size and anchor.root != checkpoint.root:
            forked = NotConsistent(
                anchor.size, anchor.root.hex(), checkpoint.size, checkpoint.root.hex()
            )
            verdict.found("anchor", "checkpoint", str(forked))
    above = [place for place, word in case.words if (word.index or 0) >= reach]
    if above:
        verdict.unchecked.append(
            f"anchors: {', '.join(above)} above the last anchor, if any:"
            " only who holds a receipt can tell whether the log was rewritten there"
        )


def _check_growth(one: tuple[int, bytes], other: tuple[int, bytes], proof: Proof) -> None:
    """In either direction: whichever is larger must have grown out of the other."""
    old, new = (one, other) if one[0] <= other[0] else (other, one)
    check_consistency(old, new, proof)


# ------------------------------------------------------------------ agreement and deal


def _domain(case: Exhibits, known: Known, verdict: Verdict) -> None:
    domain = case.domain
    with verdict.proving("agreement", "typed_data.domain"):
        if (domain.name, domain.version) != ("Parley", "2"):
            raise VersionUnsupported(shown(f"{domain.name} {domain.version}"), "Parley 2")
        if domain.verifying_contract != known.escrow:
            raise EscrowUnknown(domain.verifying_contract, known.escrow)
    if case.typed_data != typed_data(case.terms, domain):
        verdict.found("agreement", "typed_data", "not the terms' own EIP-712 document")


def _agreement(case: Exhibits, said: Sequence[Said], verdict: Verdict, *, opened: bool) -> None:
    terms = case.terms
    parts = case.deal, terms, case.subject, case.buyer_signature, case.seller_signature
    with verdict.proving("agreement", "deal", "agreements"):
        Agreement(case.negotiation, *parts).check(case.domain, opened=opened)
    messages = [one.message for one in said]
    signed = {
        each.signer: each.signature
        for each in messages
        if each.digest == case.deal and each.kind in (Kind.OFFER, Kind.ACCEPTANCE)
    }
    for name, party, signature in (
        ("buyer_signature", terms.buyer, case.buyer_signature),
        ("seller_signature", terms.seller, case.seller_signature),
    ):
        if len(said) == len(case.words) and signed.get(party, "") != signature:
            verdict.found("agreement", name, "not the transcript's signature over this deal")
    for listed in (each.digest for each in messages if each.kind is Kind.LISTING):
        if case.subject.listing != listed:
            told = str(DigestMismatch(case.subject.listing, listed))
            verdict.found("agreement", "subject", told)


def _events(case: Exhibits, verdict: Verdict) -> None:
    held, delivered = Followed(), None
    for at, event in enumerate(case.events):
        before = case.events[at - 1] if at else None
        with verdict.proving("event", f"events[{at}]", "events") as refused:
            if before is not None:
                _check_after(before, event)
            held = follow(held, case.terms, event.of(case.deal))
        if event.name == "Delivered":
            delivered = str(event.values["deliverable"])
        if refused:
            verdict.unchecked.append(f"events: those after events[{at}], which does not hold")
            break
    if held.ruling is not None:
        verdict.found("event", "events", "Ruled: no payment followed")
    if delivered != case.delivery:
        differs = DigestMismatch(str(case.delivery), str(delivered))
        verdict.found("event", "delivery", str(differs))
    if held.unproved:
        verdict.unchecked.append(
            "events: a payment on a voucher or a settlement, whose signature no event shows"
        )
    verdict.state = held.deal.state.name


def _check_after(before: Event, event: Event) -> None:
    last, place = (before.block, before.log_index), (event.block, event.log_index)
    if place <= last or event.at < before.at:
        raise ValueMalformed("block", f"{place} at {event.at}", f"after {last} at {before.at}")


def _chain(case: Exhibits, told: Told | None, verdict: Verdict) -> None:
    if told is None:
        verdict.unchecked.append(
            f"chain: no node was asked: whether chain {case.domain.chain_id} has these"
            f" {len(case.events)} events and no others, at these times,"
            f" and these {len(case.anchors)} anchors"
        )
        return
    with verdict.proving("chain", "escrow"):
        if told.chain_id != case.domain.chain_id:
            raise ValueMalformed("chainId", str(case.domain.chain_id), f"{told.chain_id}")
        if not told.escrow:
            raise EscrowAbsent(case.domain.verifying_contract, told.chain_id)
    for at in range(max(len(case.events), len(told.events))):
        ours, theirs = case.events[at : at + 1], told.events[at : at + 1]
        if [*ours] == [*theirs]:
            verdict.count("events on chain")
        else:
            what = f"the file has {_named(ours)}, the chain {_named(theirs)}"
            verdict.found("chain", f"events[{at}]", what)
    _anchors_on_chain(case, told, verdict)


def _anchors_on_chain(case: Exhibits, told: Told, verdict: Verdict) -> None:
    # The contract took each anchor with a proof from the one before.
    last = max((anchor.size for anchor, _ in case.anchors), default=0)
    later = [anchor.size for anchor in told.anchors if anchor.size > last]
    if later:
        verdict.unchecked.append(
            f"anchors: the chain has {len(later)} more, of which the file has no proof;"
            f" the last is of size {later[-1]}"
        )
    for at, (anchor, _) in enumerate(case.anchors):
        if anchor in told.anchors:
            verdict.count("anchors on chain")
        else:
            what = f"not among the {len(told.anchors)} that the chain has of this log"
            verdict.found("chain", f"anchors[{at}]", what)


def _named(events: Sequence[Event]) -> str:
    return shown(str(events[0].to_json())) if events else "none"
