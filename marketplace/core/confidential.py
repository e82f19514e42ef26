"""Confidential offers: terms and subject for the parties alone.

The envelope is in the open: the registry sees who speaks, what digest is signed, which
word it answers and until when it could be opened; it can check turn, chain, rounds and
deadline, and nothing of the outcome. What it is told in the open is also inside, and a
party refuses an offer that says one thing outside and another inside. How the boxes are
closed is ``sdk.boxes``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from marketplace.core.eip712 import Typed, exactly
from marketplace.core.errors import SealedDiffers, ValueMalformed
from marketplace.core.terms import Terms
from marketplace.core.values import (
    Address,
    Digest,
    Json,
    Uint32,
    address,
    digest,
    integer,
    mapping,
    shown,
)

LONGEST_BOX = 24_000
LATEST = (1 << 40) - 1
_BASE64 = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class EncryptionKey(Typed):
    """What a wallet signs to derive its key for boxes; the signature is the secret itself.

    Attributes:
        account: whose key.
        number: 0, and one more for each key that takes the place of an older one.
    """

    account: Address
    number: Uint32


@dataclass(frozen=True)
class Sealed:
    """What stands in the place of an offer's terms and subject.

    Attributes:
        previous: digest of the message that the offer answers.
        open_by: the instant from which its terms can no longer be opened.
        boxes: the same plaintext, closed for each party's encryption key; base64url without
            padding, by the party's address.
    """

    previous: Digest
    open_by: int
    boxes: Mapping[Address, str]

    def check(self, terms: Terms) -> None:
        """Raise SealedDiffers unless the outside says what the terms inside say."""
        for field, told, meant in (
            ("previous", self.previous, terms.previous),
            ("open_by", str(self.open_by), str(terms.open_by)),
        ):
            if told != meant:
                raise SealedDiffers(field, told, meant)

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        return {"previous": self.previous, "open_by": self.open_by, "boxes": dict(self.boxes)}

    @classmethod
    def from_json(cls, given: Json) -> "Sealed":
        """Parse strictly."""
        found = mapping(given, "sealed")
        exactly(found, {"previous", "open_by", "boxes"})
        boxes = mapping(found["boxes"], "boxes")
        if not 1 <= len(boxes) <= 2:  # noqa: PLR2004 a negotiation has two parties
            raise ValueMalformed("boxes", str(len(boxes)), "one box for each of the two parties")
        parsed = {address(party, "party"): _box(box) for party, box in boxes.items()}
        if len(parsed) != len(boxes):
            raise ValueMalformed("boxes", shown(sorted(boxes)), "one box for each of the parties")
        return cls(
            previous=digest(found["previous"], "previous"),
            open_by=integer(found["open_by"], "open_by", 0, LATEST),
            boxes=parsed,
        )


def _box(given: Json) -> str:
    if not isinstance(given, str) or len(given) > LONGEST_BOX or not _BASE64.match(given):
        raise ValueMalformed("box", shown(given), f"base64url, at most {LONGEST_BOX} characters")
    return given
