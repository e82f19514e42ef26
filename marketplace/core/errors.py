"""Every refusal by name, each with the two values that disagree.

The tree::

    ParleyError
    ├── MalformedValue        a value is not what its type says
    ├── SignatureRefused      a signature does not bind who it claims to bind
    ├── TermsInfeasible       these terms could not be opened and ended
    ├── MessageRefused        the negotiation machine says no
    ├── DealRefused           the deal machine says no
    ├── PolicyDenied          the signer's own limits say no
    ├── AccessDenied          a caller has not shown that it may
    ├── LogRefused            a log, or a proof of it, does not hold
    ├── Missing               what was named is not there
    └── Unavailable           try again later

A leaf's class name is its code: the same name is the ``code`` of the HTTP problem
and, where the contract can raise it, the Solidity error. A leaf's first docstring
line is the title of the problem, its fields are the values that disagree, and
``hint`` is the next step.
"""

from dataclasses import dataclass
from typing import ClassVar, dataclass_transform


@dataclass_transform(eq_default=False)
class ParleyError(Exception):
    """Something was refused."""

    hint: ClassVar[str] = "Read the code and the values beside it."
    retryable: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Make each error a plain record of the values that disagree."""
        dataclass(eq=False, repr=False)(cls)

    @classmethod
    def leaves(cls) -> "dict[str, type[ParleyError]]":
        """Every error below this one that is raised, by its code."""
        below = cls.__subclasses__()
        if not below:
            return {cls.__name__: cls}
        return {code: leaf for child in below for code, leaf in child.leaves().items()}

    @property
    def code(self) -> str:
        """The stable machine code: the class name."""
        return type(self).__name__

    @property
    def title(self) -> str:
        """What is wrong, without the values."""
        return (type(self).__doc__ or self.code).splitlines()[0]

    @property
    def values(self) -> dict[str, str | int]:
        """The values that disagree, by field name."""
        names: tuple[str, ...] = getattr(type(self), "__match_args__", ())
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        """Name, what is wrong, the values, the next step."""
        told = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"{self.code}: {self.title} ({told}) {self.hint}"


# ------------------------------------------------------------------ families


class MalformedValue(ParleyError):
    """A value is not what its type says."""


class SignatureRefused(ParleyError):
    """A signature does not bind who it claims to bind."""


class TermsInfeasible(ParleyError):
    """These terms could not be opened and ended."""


class MessageRefused(ParleyError):
    """The negotiation does not allow this message now."""


class DealRefused(ParleyError):
    """The deal or the escrow does not allow this operation now."""


class PolicyDenied(ParleyError):
    """The signer's own limits forbid this signature."""


class AccessDenied(ParleyError):
    """A caller has not shown that it may ask this."""


class LogRefused(ParleyError):
    """A log, or a proof of it, does not hold."""


class Missing(ParleyError):
    """What was named is not there."""


class Unavailable(ParleyError):
    """A part that Parley depends on did not answer."""

    retryable = True


# ------------------------------------------------------------------ malformed values


class ValueMalformed(MalformedValue):
    """A value does not have the form of its type."""

    field: str
    value: str
    form: str
    hint = "Send the value in the form that is named."


class FieldsDiffer(MalformedValue):
    """An object has not exactly the fields of its type."""

    unknown: str
    missing: str
    hint = "Leave out the unknown fields and add the missing ones."


class BodyTooLarge(MalformedValue):
    """A body is larger than the registry takes."""

    size: int
    maximum: int
    hint = "Send less."


class DigestMismatch(MalformedValue):
    """A stated digest is not the digest of the content."""

    stated: str
    computed: str
    hint = "Do not change content after its digest was taken."


class DecisionsUnreadable(MalformedValue):
    """A line of a record is no decision that a signer wrote down."""

    path: str
    line: int
    reason: str
    hint = "Ask for the record again; one that was changed proves nothing."


class WebhookRefused(MalformedValue):
    """The registry does not post to this URL."""

    url: str
    reason: str
    hint = "Name a https URL of a public address; docs/webhooks.md has the rule."


# ------------------------------------------------------------------ signatures


class WrongSigner(SignatureRefused):
    """The signature is not the expected signer's over this digest."""

    expected: str
    recovered: str
    hint = "Sign this very digest, in this chain's and escrow's domain, with the expected key."


class SignatureMalformed(SignatureRefused):
    """The signature does not have a form that is taken here."""

    signature: str
    reason: str
    hint = "Send 65 bytes r, s, v with low s and v of 27 or 28 (EIP-2); its twin is refused."


class DomainMismatch(SignatureRefused):
    """The message was made for another chain, escrow or protocol version."""

    stated: str
    expected: str
    hint = "Ask the registry for its domain and sign again there."


class VersionUnsupported(SignatureRefused):
    """The protocol version is not one that is spoken here."""

    stated: str
    served: str
    hint = "Speak one of the versions that are served; the registry's info lists their domains."


class MandateRefused(SignatureRefused):
    """The delegation does not let this key say this."""

    field: str
    given: str
    needed: str
    hint = "Sign with the principal's own key, or ask it for a delegation of this scope."


class MandateExpired(SignatureRefused):
    """The delegation under which a key signed no longer holds."""

    expires_at: int
    now: int
    hint = "Ask the principal for a new delegation."


class MandateRevoked(SignatureRefused):
    """The delegation under which a key signed was revoked."""

    delegation: str
    revoked_at: int
    hint = "Sign with the principal's own key, or ask it for a new delegation."


# ------------------------------------------------------------------ feasibility of terms


class PartyMissing(TermsInfeasible):
    """Terms name a buyer and a seller."""

    buyer: str
    seller: str
    hint = "Name both parties."


class PartiesEqual(TermsInfeasible):
    """Buyer and seller are one address."""

    buyer: str
    seller: str
    hint = "Deal with somebody else."


class RailUnknown(TermsInfeasible):
    """There is no such rail."""

    rail: int
    last: int
    hint = "Use a rail of docs/protocol.md; they are numbered from zero to the last."


class FieldUnsupported(TermsInfeasible):
    """The rail would not honour the field, so it must be zero."""

    rail: str
    field: str
    value: int
    hint = "Set the field to zero, or use a rail that has a use for it."


class FieldMissing(TermsInfeasible):
    """The rail, or the operation, needs a field that the terms leave at zero."""

    rail: str
    field: str
    hint = "Sign terms that name it; in an open deal, do without this operation."


class ArbiterPartial(TermsInfeasible):
    """The arbiter is one of the two parties."""

    arbiter: str
    hint = "Name an arbiter that is neither buyer nor seller, or none."


class TokenMissing(TermsInfeasible):
    """There is no contract at the token's address."""

    token: str
    hint = "Name a deployed ERC-20 token."


class PriceTooLow(TermsInfeasible):
    """The price is below the smallest that settles anything."""

    price: int
    minimum: int
    hint = "Agree on a price of at least one base unit."


class ShareTooHigh(TermsInfeasible):
    """A share is more than the whole."""

    bps: int
    maximum: int
    hint = "Give feeBps and defaultSellerBps in ten-thousandths, at most 10000."


class FeeRecipientMissing(TermsInfeasible):
    """A fee is asked and nobody named to receive it."""

    fee_bps: int
    fee_recipient: str
    hint = "Name the fee's recipient or set the fee to zero."


class FeeRoundsToZero(TermsInfeasible):
    """The fee would round down to nothing at this price."""

    price: int
    fee_bps: int
    hint = "Raise the price or set the fee to zero."


class ArbiterFeeUncovered(TermsInfeasible):
    """The bond does not cover the arbiter's fee, which a losing seller would owe."""

    arbiter_fee: int
    bond: int
    hint = "Raise the bond to the arbiter's fee, or lower the fee."


class OpenExpired(TermsInfeasible):
    """The terms can no longer be opened."""

    open_by: int
    block_time: int
    hint = "Ask for a new offer with a later openBy."


class WindowTooShort(TermsInfeasible):
    """A window is too short to act in."""

    field: str
    value: int
    minimum: int
    hint = "Lengthen the window."


class WindowTooLong(TermsInfeasible):
    """A window would lock money for longer than the escrow allows."""

    field: str
    value: int
    maximum: int
    hint = "Shorten the window."


class EpochStale(TermsInfeasible):
    """The signer has cancelled everything signed in this epoch."""

    signer: str
    signed: int
    current: int
    hint = "Ask the signer for an offer in its current epoch."


class NonceSpent(TermsInfeasible):
    """The signer's nonce was used by another deal or cancelled."""

    signer: str
    nonce: int
    hint = "This negotiation has had its one deal; begin another."


class BalanceShort(TermsInfeasible):
    """An account's balance in the escrow is less than what is asked of it."""

    account: str
    held: int
    needed: int
    hint = "Deposit more into the escrow, or ask for less."


class FundsShort(TermsInfeasible):
    """An account holds less than the terms need of it."""

    account: str
    held: int
    needed: int
    hint = "Fund the account."


class AllowanceShort(TermsInfeasible):
    """An account allows the escrow less than the terms need of it."""

    account: str
    allowed: int
    needed: int
    hint = "Approve the escrow for the amount."


# ------------------------------------------------------------------ negotiation


class NotAParty(MessageRefused):
    """The signer is neither the negotiation's buyer nor its seller."""

    signer: str
    parties: str
    hint = "Only the two parties speak in a negotiation."


class WrongTurn(MessageRefused):
    """It is the other party's turn."""

    signer: str
    expected: str
    hint = "Wait for the counterparty's message."


class WrongPrevious(MessageRefused):
    """The message does not answer the negotiation's last word."""

    previous: str
    head: str
    hint = "Read the negotiation again and answer its head."


class EventRefused(MessageRefused):
    """This kind of message is not possible in this state."""

    kind: str
    state: str
    hint = "See the state table in docs/protocol.md."


class DeadlinePassed(MessageRefused):
    """The negotiation's deadline has passed."""

    deadline: int
    now: int
    hint = "Begin another negotiation."


class DeadlineRefused(MessageRefused):
    """The invitation's deadline is not in the range that a registry keeps."""

    deadline: int
    latest: int
    hint = "Choose a deadline in the future and no later than the latest."


class RoundsRefused(MessageRefused):
    """The invitation allows no round, or more than a registry keeps."""

    max_rounds: int
    maximum: int
    hint = "Allow at least one round and at most the maximum."


class RoundsExhausted(MessageRefused):
    """The negotiation has had all the offers its invitation allows."""

    rounds: int
    maximum: int
    hint = "Accept, reject or withdraw."


class NoImprovement(MessageRefused):
    """An offer repeats its signer's last one without the agreed improvement."""

    unit_price: int
    required: int
    hint = "Move the unit price to the required value or change another issue."


class TermsDisagree(MessageRefused):
    """A field of the terms is not what this negotiation binds it to."""

    field: str
    signed: str
    expected: str
    hint = "Sign terms that keep the negotiation's parties, nonces, listing and settlement rules."


class OutcomeOutsideSpace(MessageRefused):
    """An issue's value is not one that the listing offers."""

    issue: str
    value: str
    space: str
    hint = "Choose a value in the listing's outcome space."


class RuleMixed(MessageRefused):
    """A negotiation is confidential as a whole or not at all."""

    offer: str
    before: str
    hint = "Make this offer as the first one was made: sealed, or in the open."


class SealedDiffers(MessageRefused):
    """A confidential offer says one thing outside and another inside."""

    field: str
    outside: str
    inside: str
    hint = "Do not answer it: reject, and deal with somebody else."


class BoxUnreadable(MessageRefused):
    """A confidential offer cannot be opened by the party that it was closed for."""

    negotiation: str
    digest: str
    hint = "Close the terms again, for the key on the other party's current card."


class TranscriptRefused(MessageRefused):
    """A transcript cannot be handed in."""

    field: str
    value: str
    rule: str
    hint = "Hand in the whole negotiation, in order, once its times have passed."


class PeerDisagrees(MessageRefused):
    """The other agent says something else than what is known here."""

    field: str
    told: str
    known: str
    hint = "Ask it again; what was signed stands, and an agreement opens on chain without it."


class EscalationRepeated(MessageRefused):
    """The party has said already that a human decides on this offer."""

    signer: str
    head: str
    hint = "Wait for the human: accept, counter, reject or withdraw."


class CardRefused(MessageRefused):
    """A card says what no reader can use."""

    field: str
    value: str
    rule: str
    hint = "Publish a card that keeps the rule."


class CardReplaced(MessageRefused):
    """The agent has published a later card."""

    card: str
    by: str
    hint = "Name the agent's current card in ``replaces``."


class RequestRefused(MessageRefused):
    """A request for quotation says what no listing can be matched with."""

    field: str
    value: str
    rule: str
    hint = "Publish a request that keeps the rule."


class RequestExpired(MessageRefused):
    """The request for quotation takes no further quotation."""

    expires_at: int
    now: int
    hint = "Wait for another request."


class ListingReplaced(MessageRefused):
    """The seller has replaced this listing."""

    listing: str
    replacement: str
    hint = "Negotiate on the replacement."


class ListingExpired(MessageRefused):
    """The listing has expired."""

    expires_at: int
    now: int
    hint = "Search for a live listing."


class ListingClosed(MessageRefused):
    """The listing has no unit on sale."""

    listing: str
    hint = "Look for the listing's next version, or for another seller."


class ListingRefused(MessageRefused):
    """The listing's own rules do not hold together."""

    field: str
    value: str
    rule: str
    hint = "Correct the listing and publish it again."


class SequenceTaken(MessageRefused):
    """Another message came first."""

    expected: int
    actual: int
    hint = "Read the negotiation again; the registry retries by itself."
    retryable = True


# ------------------------------------------------------------------ deals


class WrongRail(DealRefused):
    """The deal's rail has no such operation."""

    rail: str
    required: str
    hint = "See in docs/protocol.md how a deal on this rail goes on."


class WrongState(DealRefused):
    """The deal is not in the state that the operation needs."""

    actual: str
    required: str
    hint = "Read the deal's position; where several states would do, the earliest is named."


class WrongCaller(DealRefused):
    """The operation belongs to another party."""

    caller: str
    required: str
    hint = "Let the required party call."


class TooLate(DealRefused):
    """What is asked for was possible only before the deadline."""

    deadline: int
    block_time: int
    hint = "Read the deal's position, or sign a later validBefore where a settlement lapsed."


class TooEarly(DealRefused):
    """What is asked for is not possible yet."""

    not_before: int
    block_time: int
    hint = "Wait until block time has reached notBefore, or ask the other party to act."


class AmountTooHigh(DealRefused):
    """The amount is more than the price, the charge or the bond allows."""

    amount: int
    most: int
    hint = "Name a total since the opening of at most this much."


class AmountTooLow(DealRefused):
    """The amount is less than was released already, or adds nothing to it."""

    amount: int
    least: int
    hint = "Name a total since the opening, at least this much."


class DeliverableMissing(DealRefused):
    """A delivery records the digest of what was delivered."""

    deal: str
    hint = "Deliver with the digest of the deliverable."


class WrongBundle(DealRefused):
    """The terms open with other deals than they are opened with."""

    signed: str
    given: str
    hint = "Open all members of the bundle together, in their order; terms without one alone."


class WrongGoods(DealRefused):
    """The goods are not those that both signed."""

    signed: str
    given: str
    hint = "Hand in the Credits whose struct hash the terms name as goods."


class FundingUnknown(DealRefused):
    """No way of funding has this number."""

    way: int
    last: int
    hint = "Send no funding for an allowance, or one of the ways of docs/contracts.md."


class PullRefused(DealRefused):
    """The token refused to move money that the account holds and has approved."""

    token: str
    account: str
    amount: int
    hint = "Ask the token's issuer: the account may be barred or the token paused."


class PullShort(DealRefused):
    """The token moved another amount than it was told."""

    token: str
    expected: int
    received: int
    hint = "Use a token without a fee on transfer; such tokens are not supported."


class PushRefused(DealRefused):
    """The token refuses to pay a withdrawal out, or it would go to the escrow itself."""

    token: str
    to: str
    amount: int
    hint = "Withdraw to another address, or when the token pays again."


class GasShort(DealRefused):
    """Too little gas is left to give a call its whole allotment."""

    left: int
    needed: int
    hint = "Send the transaction with more gas."


class AccountBound(DealRefused):
    """The account is bound: its money stays in the escrow until it has left."""

    account: str
    leaves_at: int
    block_time: int
    hint = "Announce first where leavesAt is zero; then wait until leavesAt."


class AccountUnbound(DealRefused):
    """Only a bound account can announce that it leaves."""

    account: str
    hint = "Withdraw at once: this account is free to."


class DeliverableWrong(DealRefused):
    """What was delivered is not what the deal promised."""

    stated: str
    computed: str
    hint = "Do not release; dispute it inside the review window where the terms name an arbiter."


# ------------------------------------------------------------------ limits


class LimitExceeded(PolicyDenied):
    """What is to be signed is beyond a limit that a human wrote."""

    limit: str
    value: int
    allowed: int
    hint = "Change the offer, not the limit; the limit is a human's."


class TokenForbidden(PolicyDenied):
    """The terms settle in a token that the limits do not count in."""

    token: str
    allowed: str
    hint = "Deal in the allowed token; amounts in another are not comparable."


class RailForbidden(PolicyDenied):
    """The terms settle on a rail that the limits do not speak of."""

    rail: str
    allowed: str
    hint = "Deal on an allowed rail; what the goods of another are worth, no limit knows."


class TrustMissing(PolicyDenied):
    """The terms give power over the money to somebody whom the limits do not trust."""

    role: str
    address: str
    trusted: str
    hint = "Agree on a trusted address or on none; whom to trust, a human decides."


class ExposureExceeded(PolicyDenied):
    """All outstanding offers together would put more at risk than allowed."""

    exposure: int
    allowed: int
    hint = "Wait until offers expire or deals end, or cancel a nonce."


class Unservable(PolicyDenied):
    """The seller has not so many units to promise now."""

    units: int
    available: int
    hint = (
        "Ask for fewer, or again later: a hold ends with its offers, a deal gives back its units."
    )
    retryable = True


class KeyUnreadable(PolicyDenied):
    """The key file does not hold a key that can be used."""

    path: str
    reason: str
    hint = "Name a file with 32 bytes in hex, readable by this user; Wallet.save writes one."


class LedgerInUse(PolicyDenied):
    """Another process or client signs with this ledger, and two would each spend all of it."""

    path: str
    holder: str
    hint = "Close the other client, or give this one a key and a ledger of its own."


class LedgerUnreadable(PolicyDenied):
    """The signer's ledger is damaged, so its exposure is unknown and it signs nothing."""

    path: str
    line: int
    hint = "Restore the ledger, or cancel all offers on chain and begin a new one."


class TranscriptUnreadable(PolicyDenied):
    """A line of the transcript cannot be read."""

    path: str
    line: int
    hint = "Restore the file; the other party has the same words."


# ------------------------------------------------------------------ logins


class LoginMissing(AccessDenied):
    """This is only for those who have logged in."""

    needed: str
    hint = "Log in, and send the token: Authorization: Bearer."


class LoginRefused(AccessDenied):
    """A login does not say what this registry takes now."""

    field: str
    value: str
    rule: str
    hint = "Ask for a new challenge and sign a login that keeps the rule."


class LoginNonceSpent(AccessDenied):
    """A login's nonce serves once, and this one has."""

    nonce: str
    hint = "Ask for a new challenge and sign another login."


class OriginWrong(AccessDenied):
    """A login was signed for another registry."""

    stated: str
    expected: str
    hint = "Log in at the registry that you mean; what you signed is nothing to this one."


class TokenRefused(AccessDenied):
    """This is no token of this registry that holds now."""

    reason: str
    hint = "Log in again."


class ScopeMissing(AccessDenied):
    """This takes scopes that the caller does not hold."""

    needed: str
    held: str
    hint = "Log in for the scopes; a delegate has at most those of its delegation."


# ------------------------------------------------------------------ what is not there


class RouteMissing(Missing):
    """The registry has no such route."""

    path: str
    method: str
    hint = "See /openapi.json for the routes and their methods."


class NegotiationMissing(Missing):
    """No such negotiation."""

    negotiation: str
    hint = "Check the id, or send the invitation first."


class ListingMissing(Missing):
    """No such listing."""

    listing: str
    hint = "Search the registry for live listings."


class AgentMissing(Missing):
    """The agent has never said anything about itself here."""

    agent: str
    hint = "Check the address, or ask the agent to publish its card at this registry."


class EncryptionKeyMissing(Missing):
    """The agent's card has no encryption key that is good now."""

    agent: str
    hint = "Ask it to publish one (Client.introduce), or talk in the open."


class PeerUnknown(Missing):
    """No way to this agent is known."""

    agent: str
    hint = "Meet it at its URL first, or wait until it has sent its card."


class RegistryMissing(Missing):
    """What is asked for is a registry's to know, and this agent deals without one."""

    wanted: str
    hint = "Make a client with a registry's URL."


class RequestMissing(Missing):
    """There is no request for quotation with this digest."""

    request: str
    hint = "Check the digest; the request may be at another registry."


class KeyReused(MalformedValue):
    """The same Idempotency-Key came with another request."""

    key: str
    hint = "Take a new key for a new request; send the first request's very bytes to repeat it."


class RequestUnderWay(Unavailable):
    """A request with this Idempotency-Key is being done just now."""

    key: str
    lease: int
    hint = "Ask again in a moment: the answer will be the same."


class WorkersRefused(MalformedValue):
    """Several processes cannot serve from this database."""

    workers: int
    database: str
    hint = "Use one worker, or a postgresql:// database."


class DatabaseRefused(MalformedValue):
    """The registry's database cannot be opened as it is named, however long one waits."""

    database: str
    reason: str
    hint = "Check host, name, user and password in --database, and that the user may make tables."


class RateExceeded(Unavailable):
    """A key or a network address asks too often."""

    name: str
    retry_after: int
    hint = "Wait as many seconds as ``retry_after`` says; the SDK does so by itself."


class StreamsFull(Unavailable):
    """A network address has as many streams or uploads open as it may."""

    address: str
    maximum: int
    hint = "Wait for an upload to end, close a stream, or follow several parties' events in one."


class BodySlow(Unavailable):
    """The request did not arrive in time."""

    received: int
    seconds: int
    hint = "Send it again, faster."


class ArtifactsFull(MessageRefused):
    """This party has left all the artifacts that it may in this negotiation."""

    signer: str
    maximum: int
    hint = "Put what is needed into fewer artifacts."


class WebhooksFull(MessageRefused):
    """This account has all the webhooks that it may have."""

    account: str
    maximum: int
    hint = "End one that is not needed; one URL gets everything that concerns the account."


class BodyErased(Missing):
    """The registry has erased this entry's body; its leaf is in the log."""

    kind: str
    index: int
    hint = "Its parties may have kept it; the log's leaf commits to it."


class ArtifactMissing(Missing):
    """No such artifact."""

    artifact: str
    hint = "The counterparty has not uploaded it yet; wait for its message."
    retryable = True


class TileMissing(Missing):
    """The log is not large enough yet for this tile."""

    tile: str
    size: int
    hint = "Ask for what the checkpoint's size has; a part is named with its width."


class WebhookMissing(Missing):
    """The account has no such webhook."""

    webhook: str
    hint = "List the account's webhooks; an ended one is gone with its dead letters."


class DeadLetterMissing(Missing):
    """The webhook has no dead letter of this entry."""

    webhook: str
    index: int
    hint = "List the dead letters; one that was delivered at last is none any more."


class TransactionFailed(DealRefused):
    """The chain refused a transaction for a reason that the escrow does not name."""

    operation: str
    reason: str
    hint = "Read the reason; it is the token's or the node's own."


class EscrowUnknown(DealRefused):
    """This is not the address that this version's escrow has on every chain."""

    escrow: str
    expected: str
    hint = "Use a registry of the genuine escrow, or the SDK of the version that it has."


class EscrowAbsent(DealRefused):
    """This chain does not have this version's escrow."""

    escrow: str
    chain_id: int
    hint = "Check the RPC URL; on a chain of your own, deploy the escrow first."


class NotIncluded(LogRefused):
    """The entry is not in the log of this root."""

    index: int
    root: str
    computed: str
    hint = "Keep the receipt and the checkpoint: the log's own key signed both."


class NotConsistent(LogRefused):
    """The later log does not begin with the earlier one."""

    old_size: int
    old_root: str
    size: int
    root: str
    hint = "Keep both checkpoints; together they may prove a fork, see docs/audit.md."


class ProofMalformed(LogRefused):
    """This cannot be a proof."""

    given: str
    expected: str
    hint = "Ask for the proof again, for just these sizes and this index."


class NoteMalformed(LogRefused):
    """This is not a signed note, a checkpoint or a key of one."""

    given: str
    expected: str
    hint = "Take the bytes as they are served; see C2SP signed-note and tlog-checkpoint."


class NoteUnsigned(LogRefused):
    """This key did not sign the note."""

    key: str
    signers: str
    hint = "Check the log's keys with its operator, or on chain."


class LeafDiffers(LogRefused):
    """The receipt's leaf is another message's."""

    member: str
    expected: str
    given: str
    hint = "The message may not be in the log; keep the receipt, and send the message again."


class ReceiptMissing(LogRefused):
    """The registry took a message and gave no receipt of its log."""

    digest: str
    hint = "Send the same message again; a registry that never gives one keeps no log."


class LogChanged(LogRefused):
    """The registry names another log than the one whose receipts were kept."""

    known: str
    told: str
    hint = "Ask its operator on another way; for a new log, move the receipts' file away."


class MemoryUnreadable(LogRefused):
    """What an auditor remembers of a log cannot be read."""

    path: str
    reason: str
    hint = "Look at the file; without it, no audit can tell whether the log was rewritten."


class ReceiptsUnreadable(LogRefused):
    """A line of the file of receipts is none."""

    path: str
    line: int
    hint = "Restore the file; or move it away, and with it what it could prove."


class CheckpointForeign(LogRefused):
    """The checkpoint is another log's."""

    expected: str
    given: str
    hint = "Each log has one origin; a registry that was renamed begins a new log."


class TileDiffers(LogRefused):
    """A tile is not the one of the log's root."""

    tile: str
    root: str
    computed: str
    hint = "Ask another server for it; a log that has no better one has lost what it signed."


class CheckpointNotNewer(LogRefused):
    """The checkpoint has no more entries than the one that is anchored."""

    stored: int
    given: int
    hint = (
        "Anchor a larger one; of equal size and another root it is a fork, see docs/contracts.md."
    )


class LogForked(LogRefused):
    """The log's key was shown to contradict itself; the anchor takes nothing more of it."""

    key: str
    origin: str
    hint = "Begin a new log, with a new key; nobody has a reason to believe this one."


class ForkUnproved(LogRefused):
    """The two roots, or the two leaves, are one: nothing contradicts anything."""

    first: str
    second: str
    hint = "Show two roots of one size, or two leaves at one index, that are different."


class NoticeRunning(LogRefused):
    """A notice for the bond was given already."""

    notice_ends_at: int
    block_time: int
    hint = "Wait until it ends, then withdraw; a second notice changes nothing."


class BondBound(LogRefused):
    """The bond stays until a notice has ended."""

    notice_ends_at: int
    block_time: int
    hint = "Give notice first where noticeEndsAt is zero; then wait until noticeEndsAt."


class PaymentRefused(LogRefused):
    """The receiver takes no coin."""

    to: str
    amount: int
    hint = "Name another account, or call from another."


class DevnetMissing(Missing):
    """There is no development network's description here."""

    path: str
    reason: str
    hint = "Start one with `parley devnet` in this directory."


class ChainUnavailable(Unavailable):
    """The chain's RPC endpoint did not answer."""

    rpc: str
    reason: str
    hint = "Check the RPC URL and that the node runs."


class StoreUnavailable(Unavailable):
    """The registry's store could not write; nothing was stored."""

    store: str
    reason: str
    hint = "Send the same message again later; it will not be stored twice."


class LogBehind(Unavailable):
    """The registry's store is not the log that it has anchored on chain; nothing is taken."""

    size: int
    anchored: int
    hint = "Restore the newest copy of the store, or begin a new log under another origin."


class StoreNewer(Unavailable):
    """The registry's store was written by a later version."""

    version: int
    known: int
    hint = "Run the version that wrote it, or a later one; or restore an earlier backup."


class RegistryUnavailable(Unavailable):
    """The registry did not answer."""

    registry: str
    reason: str
    hint = "Check the registry's URL and that it runs."


class PeerUnavailable(Unavailable):
    """The other agent did not answer."""

    peer: str
    reason: str
    hint = "Say the same word again later; what both have signed can be opened on chain."


class ReceiverUnavailable(Unavailable):
    """The webhook's receiver did not take the message."""

    url: str
    reason: str
    hint = "Check that the receiver runs and answers 2xx in time; see docs/webhooks.md."


class RegistryRefused(ParleyError):
    """The registry refused with a code that this version does not know."""

    status: int
    detail: str
    hint = "Update the SDK, or read the detail."
