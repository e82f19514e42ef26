"""Write tests/vectors: every signed struct with its hashes and signature.

``python scripts/vectors.py`` writes, ``--check`` exits 1 and names what is stale. The
vectors are made by ``marketplace.core``; the tests then judge them with eth-account,
with Solidity and with Foundry's ``cast``.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from marketplace.core import version1
from marketplace.core.card import Card
from marketplace.core.consent import (
    Own,
    Settlement,
    Voucher,
    bulk,
    bulk_of_terms,
    bulk_of_vouchers,
    bulk_proof,
    bundle_digest,
    series,
    with_proof,
    without_buyer,
)
from marketplace.core.eip712 import Domain, Typed, typed_data
from marketplace.core.identity import ROLES, Delegation, Revocation, Scope
from marketplace.core.listing import Listing
from marketplace.core.login import Login, Origin
from marketplace.core.request import Quotation, Request
from marketplace.core.signature import ORDER, address_of, compact, sign
from marketplace.core.terms import Credits, Rail, Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST, keccak
from marketplace.core.words import Escalation, Invitation, Reason, Rejection, Upload, Withdrawal

OWN_NAMES = "subject", "previous", "buyerNonce", "sellerNonce"
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
    token="0x" + "c0" * 20,
    price=1_234_567,
    fee_bps=125,
    fee_recipient="0x" + "fe" * 20,
    rail=Rail.ESCROW,
    open_by=1_800_000_000,
    subject=word("subject"),
    previous=word("previous"),
    buyer_nonce=7,
    seller_nonce=(1 << 256) - 1,
    buyer_epoch=0,
    seller_epoch=1 << 130,
    bond=123_456,
    delivery_window=3_600,
    review_window=7_200,
    notice_window=0,
    voucher_signer=ZERO_ADDRESS,
    arbiter="0x" + "a7" * 20,
    arbiter_fee=12_345,
    arbitration_window=86_400,
    default_seller_bps=3_333,
    goods=ZERO_DIGEST,
    bundle=ZERO_DIGEST,
)
UNJUDGED = replace(
    TERMS, arbiter=ZERO_ADDRESS, arbiter_fee=0, arbitration_window=0, default_seller_bps=0
)
CREDITS = Credits("0x" + "cc" * 20, multi=True, id=(1 << 255) + 1, amount=1_000)
SWAP = replace(
    UNJUDGED,
    rail=Rail.ATOMIC,
    bond=0,
    delivery_window=0,
    review_window=0,
    goods="0x" + CREDITS.struct_hash().hex(),
)
METERED = replace(UNJUDGED, rail=Rail.METERED, notice_window=600, voucher_signer="0x" + "50" * 20)
EXCHANGE = replace(
    UNJUDGED, rail=Rail.EXCHANGE, arbiter="0x" + "a7" * 20, goods=word("the key's hash")
)
# Five leaves: the last one is carried up a level, so its proof is shorter than the others.
CATALOGUE = [replace(TERMS, price=TERMS.price + more) for more in range(5)]
BUNDLE = bundle_digest(CATALOGUE)
# Seven deals: on the way up an odd last node is carried twice.
OWNS = [Own(word(f"subject {n}"), word(f"previous {n}"), 100 + n, 200 + n) for n in range(7)]
SERIES = series(METERED, OWNS)


def filled(index: int, kind: str) -> str | int:
    """A field at the highest value that tells its place: a swapped or narrowed one cannot hide."""
    if kind in ("address", "bytes32"):
        return "0x" + f"{index + 1:02x}" * (20 if kind == "address" else 32)
    return (1 << int(kind.removeprefix("uint"))) - 1 - index


LOGIN = Login(
    account=BUYER,
    origin=Origin.parse("https://registry.example").digest,
    nonce=word("nonce"),
    issued_at=1_799_999_000,
    expires_at=1_800_000_000,
    scope=Scope.READ | Scope.LIST,
)
MANDATE = Delegation(
    principal=BUYER,
    delegate="0x" + "50" * 20,
    scope=ROLES["negotiator"],
    expires_at=1_800_000_000,
    salt=word("salt"),
)
LEAVES = [terms.struct_hash() for terms in CATALOGUE]
DEAL = TERMS.digest(DOMAIN)
MOST, MOST_UINT40, MOST_UINT32 = (1 << 104) - 1, (1 << 40) - 1, (1 << 32) - 1
SETTLEMENT = Settlement(DEAL, charge=1_000, bond_to_seller=100, valid_before=1_800_000_123)
SERIES_DEALS = [member.digest(DOMAIN) for member in SERIES]
TOTAL = 1_001

INVITATION = Invitation(
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
)
LISTING = Listing(SELLER, word("content"), ZERO_DIGEST, 1_900_000_000)
DELEGATION = Delegation(SELLER, BUYER, sum(Scope), 1_800_000_000, word("salt"))
UPLOAD = Upload(word("negotiation"), word("artifact"))

Cases = tuple[tuple[str, Typed, Domain, bytes], ...]


def highest(struct: type[Typed]) -> Typed:
    """The struct with every field at a value that tells its place."""
    return struct(**{f.name: filled(at, f.type) for at, f in enumerate(struct.FIELDS)})


def messages() -> Cases:
    """What is signed in and around a negotiation; each struct also with every field filled."""
    here = word("negotiation"), word("previous")
    plain: tuple[tuple[str, Typed, bytes], ...] = (
        ("card", Card(SELLER, word("content"), ZERO_DIGEST, 1_900_000_000), SELLER_KEY),
        ("delegation", DELEGATION, SELLER_KEY),
        ("revocation", Revocation(SELLER, DELEGATION.digest(DOMAIN)), SELLER_KEY),
        ("listing", LISTING, SELLER_KEY),
        ("request", Request(BUYER, word("demand"), 1_800_000_000, word("salt")), BUYER_KEY),
        ("quotation", Quotation(SELLER, word("request"), word("listing"), 100), SELLER_KEY),
        ("invitation", INVITATION, BUYER_KEY),
        *(
            (f"rejection, {reason.name.lower()}", Rejection(*here, reason), SELLER_KEY)
            for reason in Reason
        ),
        ("withdrawal", Withdrawal(*here, Reason.UNSPECIFIED), BUYER_KEY),
        ("withdrawal for a reason of a later version", Withdrawal(*here, 255), BUYER_KEY),
        ("escalation", Escalation(*here, 1_800_000_000), BUYER_KEY),
        ("upload", UPLOAD, BUYER_KEY),
    )
    structs = dict.fromkeys([*(type(struct) for _, struct, _ in plain), Login])
    full = ((f"{struct.NAME}, every field", highest(struct), BUYER_KEY) for struct in structs)
    return tuple((name, struct, DOMAIN, key) for name, struct, key in (*plain, *full))


def first_version() -> Cases:
    """The words of version 1, in its domain: all of them are release 0.1.0's own vectors."""
    domain = replace(DOMAIN, version="1")
    judged = {f.name: getattr(UNJUDGED, f.name) for f in version1.Terms.FIELDS}
    here = word("negotiation"), word("previous")
    return (
        ("offer of the buyer", version1.Terms(**judged), domain, BUYER_KEY),
        ("every field filled", highest(version1.Terms), domain, BUYER_KEY),
        ("listing", LISTING, domain, SELLER_KEY),
        ("invitation", INVITATION, domain, BUYER_KEY),
        ("rejection", version1.Rejection(*here), domain, SELLER_KEY),
        ("withdrawal", version1.Withdrawal(*here), domain, BUYER_KEY),
        ("upload", UPLOAD, domain, BUYER_KEY),
    )


CASES: dict[str, Cases] = {
    "terms": (
        ("offer of the buyer", TERMS, DOMAIN, BUYER_KEY),
        ("acceptance of the seller", TERMS, DOMAIN, SELLER_KEY),
        ("every field filled", highest(Terms), DOMAIN, BUYER_KEY),
        ("without a fee", replace(TERMS, fee_bps=0, fee_recipient=ZERO_ADDRESS), DOMAIN, BUYER_KEY),
        ("without an arbiter", UNJUDGED, DOMAIN, BUYER_KEY),
        ("atomic", SWAP, DOMAIN, SELLER_KEY),
        ("metered", METERED, DOMAIN, BUYER_KEY),
        ("exchange", EXCHANGE, DOMAIN, SELLER_KEY),
        ("open offer of the seller", without_buyer(TERMS), DOMAIN, SELLER_KEY),
        ("member of a bundle", replace(CATALOGUE[0], bundle=BUNDLE), DOMAIN, BUYER_KEY),
        ("another chain", TERMS, replace(DOMAIN, chain_id=1), BUYER_KEY),
        (
            "another escrow",
            TERMS,
            replace(DOMAIN, verifying_contract="0x" + "e5" * 20),
            BUYER_KEY,
        ),
    ),
    "logins": (
        ("login", LOGIN, DOMAIN, BUYER_KEY),
        (
            "login at another registry of the same escrow",
            replace(LOGIN, origin=Origin.parse("http://127.0.0.1:8080").digest),
            DOMAIN,
            BUYER_KEY,
        ),
        (
            "highest login",
            Login(
                "0x" + "ff" * 20, *["0x" + "ff" * 32] * 2, MOST_UINT40, MOST_UINT40 - 1, MOST_UINT32
            ),
            DOMAIN,
            SELLER_KEY,
        ),
        ("delegation", MANDATE, DOMAIN, BUYER_KEY),
        ("delegation on another chain", MANDATE, replace(DOMAIN, chain_id=1), BUYER_KEY),
    ),
    "messages": messages(),
    "version1": first_version(),
    "deals": (
        ("credits of an ERC-1155", CREDITS, DOMAIN, SELLER_KEY),
        ("credits of an ERC-20", replace(CREDITS, multi=False, id=0), DOMAIN, SELLER_KEY),
        ("voucher", Voucher(DEAL, 1_000), DOMAIN, BUYER_KEY),
        ("highest voucher", Voucher(DEAL, MOST), DOMAIN, BUYER_KEY),
        ("settlement of the buyer", SETTLEMENT, DOMAIN, BUYER_KEY),
        ("settlement of the seller", SETTLEMENT, DOMAIN, SELLER_KEY),
        ("highest settlement", Settlement(DEAL, MOST, MOST - 1, MOST_UINT40), DOMAIN, BUYER_KEY),
        ("bulk", bulk(LEAVES), DOMAIN, SELLER_KEY),
        ("bulk of a series", bulk_of_terms(SERIES), DOMAIN, BUYER_KEY),
        ("bulk of its vouchers", bulk_of_vouchers(SERIES_DEALS, TOTAL), DOMAIN, BUYER_KEY),
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
        "domain_separator": domain.separator_hex,
        "digest": digest,
        "test_key": "0x" + key.hex(),
        "signer": address_of(key),
        "signature": sign(digest, key),
    }


def signed(struct: Typed) -> str:
    """The seller's signature."""
    return sign(struct.digest(DOMAIN), SELLER_KEY)


def each_alone(name: str, members: list[Terms]) -> list[tuple[str, Terms, str]]:
    """Every one of many terms, with its proof."""
    leaves, signature = [one.struct_hash() for one in members], signed(bulk_of_terms(members))
    return [
        (f"{name}, place {place}", one, with_proof(signature, bulk_proof(leaves, place)))
        for place, one in enumerate(members)
    ]


def accepted() -> list[tuple[str, Terms, str]]:
    """Terms, and what the seller may show for having signed them."""
    root, open_terms = bulk(LEAVES), without_buyer(TERMS)
    open_leaves = [LEAVES[1], open_terms.struct_hash(), LEAVES[2]]
    in_open_bulk = with_proof(signed(bulk(open_leaves)), bulk_proof(open_leaves, 1), unnamed=True)
    return [
        ("plain", TERMS, signed(TERMS)),
        ("compact", TERMS, compact(signed(TERMS))),
        ("plain, with a tail that proves nothing", TERMS, with_proof(signed(TERMS))),
        *each_alone("bulk", CATALOGUE),
        (
            "bulk, compact",
            CATALOGUE[3],
            with_proof(compact(signed(root)), bulk_proof(LEAVES, 3)),
        ),
        ("open", TERMS, with_proof(signed(open_terms), unnamed=True)),
        ("open, in a bulk", TERMS, in_open_bulk),
        # The very signature that opens the whole series opens each of its deals alone.
        *each_alone("series", SERIES),
    ]


def refused() -> list[tuple[str, Terms, str]]:
    """Terms, and what looks like the seller's consent to them."""
    plain, many, proof = signed(TERMS), signed(bulk(LEAVES)), bulk_proof(LEAVES, 0)
    raw = bytes.fromhex(plain[2:])
    high = (ORDER - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    overstated = with_proof(plain)[:-16] + (3).to_bytes(8, "big").hex()
    return [
        ("open, without saying so", TERMS, signed(without_buyer(TERMS))),
        ("plain, said to be open", TERMS, with_proof(plain, unnamed=True)),
        ("bulk, another leaf's proof", CATALOGUE[0], with_proof(many, bulk_proof(LEAVES, 1))),
        ("bulk, without its proof", CATALOGUE[0], many),
        ("bulk, proof cut short", CATALOGUE[0], with_proof(many, proof[:-1])),
        ("bulk, more siblings said than brought", TERMS, overstated),
        ("upper half", TERMS, "0x" + (raw[:32] + high + bytes([55 - raw[64]])).hex()),
        ("compact, upper half", TERMS, "0x" + (raw[:32] + b"\xff" * 32).hex()),
        ("v from zero", TERMS, plain[:-2] + f"{raw[64] - 27:02x}"),
        ("nothing", TERMS, "0x"),
        ("a tail alone", TERMS, with_proof("0x")),
    ]


def consents() -> list[dict[str, object]]:
    """What the escrow takes for the seller's consent, and what not."""
    told = [(*case, True) for case in accepted()] + [(*case, False) for case in refused()]
    names = "name", "terms", "signer", "signature", "accepted"
    return [
        dict(zip(names, (name, terms.to_message(), SELLER, signature, holds), strict=True))
        for name, terms, signature, holds in told
    ]


def opening(count: int) -> dict[str, object]:
    """The bulks of the first deals of the series and of a voucher for each, with signatures."""
    of_terms = bulk_of_terms(SERIES[:count])
    of_vouchers = bulk_of_vouchers(SERIES_DEALS[:count], TOTAL)
    return {
        "terms": "0x" + of_terms.struct_hash().hex(),
        "terms_signature": signed(of_terms),
        "vouchers": "0x" + of_vouchers.struct_hash().hex(),
        "vouchers_signature": signed(of_vouchers),
    }


def whole_series() -> dict[str, object]:
    """Deals that differ in four members, and their bulks for each count of them."""
    return {
        "signer": SELLER,
        "terms": METERED.to_message(),
        "owns": [{name: member.to_message()[name] for name in OWN_NAMES} for member in SERIES],
        "deals": SERIES_DEALS,
        "amount": TOTAL,
        "bulks": [opening(count) for count in range(1, len(SERIES) + 1)],
    }


def documents() -> dict[str, dict[str, object]]:
    """Every file's content by its name."""
    plain: dict[str, dict[str, object]] = {
        name: {"domain": cases[0][2].to_json(), "vectors": [vector(*case) for case in cases]}
        for name, cases in CASES.items()
    }
    many: dict[str, object] = {
        "domain": DOMAIN.to_json(),
        "consents": consents(),
        "series": whole_series(),
    }
    return {**plain, "consents": many}


def main() -> int:
    """Write the files, or with ``--check`` compare them."""
    stale = []
    for name, document in documents().items():
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
