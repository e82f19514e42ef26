"""Agreement: terms with both signatures, executable as they stand."""

from dataclasses import dataclass

from marketplace.core.consent import check_consent
from marketplace.core.eip712 import Domain
from marketplace.core.errors import DigestMismatch
from marketplace.core.outcome import Subject
from marketplace.core.signature import Prove, Signature, verify
from marketplace.core.terms import Terms
from marketplace.core.values import Digest


@dataclass(frozen=True, slots=True)
class Agreement:
    """What ``Escrow.open`` takes, and what the subject's digest stands for.

    Attributes:
        negotiation: where it was agreed.
        digest: the terms' digest, the deal's key.
        terms: the terms.
        subject: the full outcome.
        buyer_signature: the buyer's, over the digest, or with a proof (``consent``).
        seller_signature: the seller's, the same.
    """

    negotiation: Digest
    digest: Digest
    terms: Terms
    subject: Subject
    buyer_signature: Signature
    seller_signature: Signature

    def check(self, domain: Domain, *, opened: bool = False, prove: Prove = verify) -> None:
        """Raise unless digest, subject and both signatures hold in the domain.

        Of a deal that the escrow has opened, a signature may be empty: it was proved there.
        """
        if domain.version == "1":
            # Its terms are another struct, of which only the digest is left here.
            self._check_parties(prove)
            return
        computed = self.terms.digest(domain)
        if computed != self.digest:
            raise DigestMismatch(self.digest, computed)
        if self.terms.subject != self.subject.digest:
            raise DigestMismatch(self.terms.subject, self.subject.digest)
        for party, signature in (
            (self.terms.buyer, self.buyer_signature),
            (self.terms.seller, self.seller_signature),
        ):
            if signature or not opened:
                check_consent(self.terms, party, domain, signature, prove)

    def _check_parties(self, prove: Prove) -> None:
        prove(self.digest, self.buyer_signature, self.terms.buyer)
        prove(self.digest, self.seller_signature, self.terms.seller)
