"""SHA-256 digests as deliveries write them: `0x` and 64 hex digits.

SHA-256 and not Keccak: buyers can check a delivery with the tools of any system.
"""

import re
from hashlib import sha256

from agents.providers.faults import DigestMalformed

_WRITTEN = re.compile(r"0x[0-9a-f]{64}")


def digest_of(data: bytes) -> str:
    """The digest of some bytes (FIPS 180-4), as 66 characters."""
    return f"0x{sha256(data).hexdigest()}"


def digest_bytes(digest: str) -> bytes:
    """The 32 bytes behind a written digest.

    Raises:
        DigestMalformed: for any other text; capitals too, so that a digest has one spelling.
    """
    if not _WRITTEN.fullmatch(digest):
        raise DigestMalformed(repr(digest[:80]), "0x and 64 lower-case hex digits")
    return bytes.fromhex(digest[2:])
