"""Plain words: what a terminal shows as it stands, whoever said it."""


def plain(words: str) -> str:
    """Words without control characters."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in words)
