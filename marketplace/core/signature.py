"""Signatures over digests: secp256k1, recoverable, one canonical form.

A signature is 65 bytes ``r ‖ s ‖ v`` in hex, with s in the lower half of the group's
order and v of 27 or 28. Its malleable twin is refused (EIP-2), so that no signed
message has two spellings. The escrow also takes the 64 bytes ``r ‖ yParity, s`` of
ERC-2098; they exist here only on the way to it and back (``compact``, ``expanded``).

WARNING: never use a signature as an identity; digests name things.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from coincurve import PrivateKey, PublicKey

from marketplace.core.errors import SignatureMalformed, SignatureRefused, WrongSigner
from marketplace.core.values import Address, Digest, keccak

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER = ORDER // 2
_SIGNATURE = re.compile(r"0x[0-9a-f]{130}\Z")

_COMPACT = re.compile(r"0x[0-9a-f]{128}\Z")

Signature = str
# That an address signed a digest, yet to be proved.
Claim = tuple[Digest, Signature, Address]
# Proves one at once, as ``verify`` does, or takes it down for later.
Prove = Callable[[Digest, Signature, Address], None]
# Enough to quote a wrong one whole.
LONGEST_SIGNATURE = 200


def sign(digest: Digest, key: bytes | PrivateKey) -> Signature:
    """Sign a digest; deterministic (RFC 6979), low s by construction of libsecp256k1.

    Who signs often parses the key once: that takes as long as a signature.
    """
    parsed = key if isinstance(key, PrivateKey) else PrivateKey(key)
    raw = parsed.sign_recoverable(bytes.fromhex(digest[2:]), hasher=None)
    return "0x" + raw[:64].hex() + f"{raw[64] + 27:02x}"


def recover(digest: Digest, signature: Signature) -> Address:
    """The address whose key signed the digest; raises SignatureMalformed."""
    raw = _canonical(signature)
    try:
        public = PublicKey.from_signature_and_message(
            raw[:64] + bytes([raw[64] - 27]), bytes.fromhex(digest[2:]), hasher=None
        )
    except Exception:  # noqa: BLE001 coincurve raises bare Exception for an unrecoverable point
        raise SignatureMalformed(signature, "no key signs so") from None
    return _address(public)


def verify(digest: Digest, signature: Signature, expected: Address) -> None:
    """Raise WrongSigner unless the expected address signed the digest."""
    recovered = recover(digest, signature)
    if recovered != expected:
        raise WrongSigner(expected, recovered)


def refused(claims: Sequence[Claim]) -> Mapping[int, SignatureRefused]:
    """Which of the claims do not hold, and why, by their places."""
    found: dict[int, SignatureRefused] = {}
    for place, (digest, signature, expected) in enumerate(claims):
        try:
            verify(digest, signature, expected)
        except SignatureRefused as error:
            found[place] = error
    return found


def compact(signature: Signature) -> Signature:
    """The same signature in 64 bytes (ERC-2098): the parity is the highest bit of s."""
    raw = bytearray(_canonical(signature))
    raw[32] |= (raw[64] - 27) << 7
    return "0x" + raw[:64].hex()


def expanded(signature: Signature) -> Signature:
    """The 65 bytes of a compact signature; whatever is not 64 bytes comes back as it is."""
    if not _COMPACT.match(signature):
        return signature
    raw = bytearray.fromhex(signature[2:])
    v = 27 + (raw[32] >> 7)
    raw[32] &= 0x7F
    return "0x" + raw.hex() + f"{v:02x}"


def address_of(key: bytes) -> Address:
    """The address of a 32-byte private key."""
    return _address(PrivateKey(key).public_key)


def _address(public: PublicKey) -> Address:
    return "0x" + keccak(public.format(compressed=False)[1:])[12:].hex()


def _canonical(signature: Signature) -> bytes:
    if not _SIGNATURE.match(signature):
        raise SignatureMalformed(signature[:140], "not 65 bytes in lower-case hex")
    raw = bytes.fromhex(signature[2:])
    if raw[64] not in (27, 28):
        raise SignatureMalformed(signature, "v is neither 27 nor 28")
    if int.from_bytes(raw[32:64], "big") > HALF_ORDER:
        raise SignatureMalformed(signature, "s is in the upper half of the order")
    return raw
