"""Every refusal by name, each with the two values that disagree.

The tree::

    ParleyError
    ├── MalformedValue        a value is not what its type says
    ├── SignatureRefused      a signature does not bind who it claims to bind
    ├── TermsInfeasible       these terms could not be opened and ended
    ├── MessageRefused        the negotiation machine says no
    ├── DealRefused           the deal machine says no
    ├── PolicyDenied          the signer's own limits say no
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


# ------------------------------------------------------------------ signatures


class WrongSigner(SignatureRefused):
    """The signature is not the expected signer's over this digest."""

    expected: str
    recovered: str
    hint = "Sign this very digest, in this chain's and escrow's domain, with the expected key."


class SignatureMalformed(SignatureRefused):
    """The signature is not 65 bytes r, s, v with low s and v of 27 or 28."""

    signature: str
    reason: str
    hint = "Send the canonical form (EIP-2); its twin is refused."


class DomainMismatch(SignatureRefused):
    """The message was made for another chain, escrow or protocol version."""

    stated: str
    expected: str
    hint = "Ask the registry for its domain and sign again there."


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


class RailUnsupported(TermsInfeasible):
    """The escrow does not know this rail."""

    rail: int
    supported: int
    hint = "Use a rail that the escrow supports."


class FieldUnsupported(TermsInfeasible):
    """This version would not honour the field, so it must be zero."""

    field: str
    value: int
    hint = "Set the field to zero."


class TokenMissing(TermsInfeasible):
    """There is no contract at the token's address."""

    token: str
    hint = "Name a deployed ERC-20 token."


class PriceTooLow(TermsInfeasible):
    """The price is below the smallest that settles anything."""

    price: int
    minimum: int
    hint = "Agree on a price of at least one base unit."


class FeeTooHigh(TermsInfeasible):
    """The fee is more than the whole price."""

    fee_bps: int
    maximum: int
    hint = "A fee is given in basis points of the price, at most 10000."


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


class OpenExpired(TermsInfeasible):
    """The terms can no longer be opened."""

    open_by: int
    block_time: int
    hint = "Ask for a new offer with a later openBy."


class WindowTooShort(TermsInfeasible):
    """A window is too short to act in."""

    window: str
    value: int
    minimum: int
    hint = "Lengthen the window."


class WindowTooLong(TermsInfeasible):
    """A window would lock money for longer than the escrow allows."""

    window: str
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


class WrongState(DealRefused):
    """The deal is not in the state that the operation needs."""

    actual: str
    required: str
    hint = "Read the deal's position."


class WrongCaller(DealRefused):
    """The operation belongs to another party."""

    caller: str
    required: str
    hint = "Let the required party call."


class DeliveryLate(DealRefused):
    """The delivery window has closed."""

    deadline: int
    block_time: int
    hint = "The buyer may take its money back; refund it."


class RefundEarly(DealRefused):
    """The buyer's refund opens after the delivery window."""

    not_before: int
    block_time: int
    hint = "Wait until the delivery window has closed."


class ClaimEarly(DealRefused):
    """The seller's claim opens after the review window."""

    not_before: int
    block_time: int
    hint = "Wait until the review window has closed, or ask the buyer to release."


class ChargeTooHigh(DealRefused):
    """The seller charges more than the agreed price."""

    charge: int
    price: int
    hint = "Charge what was metered, at most the price."


class DeliverableMissing(DealRefused):
    """A delivery records the digest of what was delivered."""

    deal: str
    hint = "Deliver with the digest of the deliverable."


class PullShort(DealRefused):
    """The token moved less than it was asked to."""

    token: str
    expected: int
    received: int
    hint = "Tokens that take a fee on transfer are not supported."


class CreditMissing(DealRefused):
    """There is nothing to withdraw."""

    token: str
    account: str
    hint = "Credits arise only from a push that the token refused."


class DeliverableWrong(DealRefused):
    """What was delivered is not what the deal promised."""

    stated: str
    computed: str
    hint = "Do not release; let the review window tell the seller."


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


class ExposureExceeded(PolicyDenied):
    """All outstanding offers together would put more at risk than allowed."""

    exposure: int
    allowed: int
    hint = "Wait until offers expire or deals end, or cancel a nonce."


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


# ------------------------------------------------------------------ what is not there


class RouteMissing(Missing):
    """The registry has no such route."""

    path: str
    method: str
    hint = "See /docs for the routes and their methods."


class NegotiationMissing(Missing):
    """No such negotiation."""

    negotiation: str
    hint = "Check the id, or send the invitation first."


class ListingMissing(Missing):
    """No such listing."""

    listing: str
    hint = "Search the registry for live listings."


class ArtifactsFull(MessageRefused):
    """This party has left all the artifacts that it may in this negotiation."""

    signer: str
    maximum: int
    hint = "Put what is needed into fewer artifacts."


class ArtifactMissing(Missing):
    """No such artifact."""

    artifact: str
    hint = "The counterparty has not uploaded it yet; wait for its message."
    retryable = True


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


class RegistryUnavailable(Unavailable):
    """The registry did not answer."""

    registry: str
    reason: str
    hint = "Check the registry's URL and that it runs."


class RegistryRefused(ParleyError):
    """The registry refused with a code that this version does not know."""

    status: int
    detail: str
    hint = "Update the SDK, or read the detail."
