"""Words: the structs that parties sign in and around a negotiation.

Terms, which settle, are in ``terms``; what sellers publish is in ``listing``.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from marketplace.core.eip712 import Typed
from marketplace.core.values import Address, Bytes32, Uint8, Uint16, Uint40, Uint128, Uint256


class Kind(StrEnum):
    """What a signed message says."""

    CARD = "card"
    DELEGATION = "delegation"
    REVOCATION = "revocation"
    LISTING = "listing"
    REQUEST = "request"
    QUOTATION = "quotation"
    INVITATION = "invitation"
    OFFER = "offer"
    ACCEPTANCE = "acceptance"
    REJECTION = "rejection"
    WITHDRAWAL = "withdrawal"
    ESCALATION = "escalation"


class Reason(IntEnum):
    """Why a party leaves: machines plan by it, nobody is bound by it."""

    UNSPECIFIED = 0
    UNACCEPTABLE = 1  # will not, at any time
    UNSERVABLE = 2  # cannot now: ask again later
    EXPIRED = 3


@dataclass(frozen=True, slots=True)
class Invitation(Typed):
    """A buyer's call for a seller's proposal; its digest is the negotiation's id.

    Attributes:
        buyer: who invites, and signs.
        seller: who is to make the first offer.
        listing: the listing whose rules this negotiation keeps to its end.
        buyer_nonce: the one number that the buyer spends on this negotiation.
        buyer_epoch: the buyer's current epoch in the escrow.
        deadline: the instant from which the registry takes no further word.
        max_rounds: how many offers, of both sides together, may be made.
        min_improvement: by how much the unit price must move, in base units, when an
            offer changes nothing else against its signer's last one.
        request: SHA-256 of the artifact that says what is asked (a job), or zero.
        salt: 256 random bits.
    """

    buyer: Address
    seller: Address
    listing: Bytes32
    buyer_nonce: Uint256
    buyer_epoch: Uint256
    deadline: Uint40
    max_rounds: Uint16
    min_improvement: Uint128
    request: Bytes32
    salt: Bytes32


@dataclass(frozen=True, slots=True)
class Rejection(Typed):
    """The answer no, which ends a negotiation; ``reason`` is a ``Reason``, or a later version's."""

    negotiation: Bytes32
    previous: Bytes32
    reason: Uint8


@dataclass(frozen=True, slots=True)
class Withdrawal(Typed):
    """Leaving a negotiation, out of turn if need be; it revokes no signature."""

    negotiation: Bytes32
    previous: Bytes32
    reason: Uint8


@dataclass(frozen=True, slots=True)
class Escalation(Typed):
    """A party's word that a human decides its next one; it neither ends nor extends anything.

    Attributes:
        negotiation: where.
        previous: the head that the human looks at.
        answer_by: when the party expects to have decided.
    """

    negotiation: Bytes32
    previous: Bytes32
    answer_by: Uint40


@dataclass(frozen=True, slots=True)
class Upload(Typed):
    """A party's word that an artifact belongs to a negotiation; it never enters the log.

    ``artifact`` is the SHA-256 of the bytes: what moves files, every shell can check.
    """

    negotiation: Bytes32
    artifact: Bytes32
