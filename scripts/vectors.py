"""Write tests/vectors: every signed struct with its hashes and signature.

``python scripts/vectors.py`` writes, ``--check`` exits 1 and names what is stale. The
vectors are made by ``marketplace.core``; the tests then judge them with eth-account,
with Solidity and with Foundry's ``cast``.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from marketplace.core.eip712 import Domain, Typed, typed_data
from marketplace.core.listing import Listing
from marketplace.core.message import Invitation, Rejection, Upload, Withdrawal
from marketplace.core.signature import address_of, sign
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST, keccak

VECTORS = Path(__file__).parent.parent / "tests" / "vectors"

# Public test keys: anybody can compute them. Never fund them outside a dev chain.
BUYER_KEY = keccak(b"parley test vector buyer")
SELLER_KEY = keccak(b"parley test vector seller")
BUYER, SELLER = address_of(BUYER_KEY), address_of(SELLER_KEY)

DOMAIN = Domain(31337, "0x5fbdb2315678afecb367f032d93f642f64180aa3")


def word(name: str) -> str:
    """A 32-byte digest that stands for something."""
    return "0x" + keccak(name.encode()).hex()


TERMS = Terms(
    buyer=BUYER,
    seller=SELLER,
    arbiter=ZERO_ADDRESS,
    token="0x" + "c0" * 20,
    price=1_234_567,
    bond=123_456,
    fee_bps=125,
    fee_recipient="0x" + "fe" * 20,
    arbiter_fee=0,
    rail=0,
    open_by=1_800_000_000,
    delivery_window=3_600,
    review_window=7_200,
    arbitration_window=0,
    default_seller_bps=0,
    subject=word("subject"),
    previous=word("previous"),
    buyer_nonce=7,
    seller_nonce=(1 << 256) - 1,
    buyer_epoch=0,
    seller_epoch=1 << 130,
    voucher_signer=ZERO_ADDRESS,
    bundle=ZERO_DIGEST,
)

# Each field at its highest value: a swapped or narrowed field cannot hide.
FULL = Terms(
    **{
        field.name: ("0x" + f"{index + 1:02x}" * (20 if field.type == "address" else 32))
        if field.type in ("address", "bytes32")
        else (1 << int(field.type.removeprefix("uint"))) - 1 - index
        for index, field in enumerate(Terms.FIELDS)
    }
)

CASES: dict[str, tuple[tuple[str, Typed, Domain, bytes], ...]] = {
    "terms": (
        ("offer of the buyer", TERMS, DOMAIN, BUYER_KEY),
        ("acceptance of the seller", TERMS, DOMAIN, SELLER_KEY),
        ("every field filled", FULL, DOMAIN, BUYER_KEY),
        ("without a fee", replace(TERMS, fee_bps=0, fee_recipient=ZERO_ADDRESS), DOMAIN, BUYER_KEY),
        ("another chain", TERMS, replace(DOMAIN, chain_id=1), BUYER_KEY),
        (
            "another escrow",
            TERMS,
            replace(DOMAIN, verifying_contract="0x" + "e5" * 20),
            BUYER_KEY,
        ),
    ),
    "messages": (
        (
            "listing",
            Listing(SELLER, word("content"), ZERO_DIGEST, 1_900_000_000),
            DOMAIN,
            SELLER_KEY,
        ),
        (
            "invitation",
            Invitation(
                buyer=BUYER,
                seller=SELLER,
                listing=word("listing"),
                buyer_nonce=7,
                buyer_epoch=0,
                deadline=1_799_999_999,
                max_rounds=20,
                min_improvement=1,
                request=word("request"),
                salt=word("salt"),
            ),
            DOMAIN,
            BUYER_KEY,
        ),
        ("rejection", Rejection(word("negotiation"), word("previous")), DOMAIN, SELLER_KEY),
        ("withdrawal", Withdrawal(word("negotiation"), word("previous")), DOMAIN, BUYER_KEY),
        ("upload", Upload(word("negotiation"), word("artifact")), DOMAIN, BUYER_KEY),
    ),
}


def vector(name: str, struct: Typed, domain: Domain, key: bytes) -> dict[str, object]:
    """One vector: the typed data as a wallet takes it, and everything computed from it."""
    digest = struct.digest(domain)
    return {
        "name": name,
        "typed_data": typed_data(struct, domain),
        "type": struct.TYPE,
        "type_hash": "0x" + struct.TYPE_HASH.hex(),
        "struct_hash": "0x" + struct.struct_hash().hex(),
        "domain_separator": "0x" + domain.separator.hex(),
        "digest": digest,
        "test_key": "0x" + key.hex(),
        "signer": address_of(key),
        "signature": sign(digest, key),
    }


def main() -> int:
    """Write the files, or with ``--check`` compare them."""
    stale = []
    for name, cases in CASES.items():
        document = {"domain": DOMAIN.to_json(), "vectors": [vector(*case) for case in cases]}
        fresh = json.dumps(document, indent=2) + "\n"
        path = VECTORS / f"{name}.json"
        if "--check" not in sys.argv:
            path.write_text(fresh)
        elif not path.exists() or path.read_text() != fresh:
            stale.append(path.name)
    if stale:
        print(f"stale: {', '.join(stale)}; run python scripts/vectors.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
