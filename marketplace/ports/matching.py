"""What a search compares: words and integers, the same in every index."""

import re

# What is beyond of a word is not told apart.
LONGEST_WORD = 64

_WORD = re.compile(r"\w+")
_INTEGER = re.compile(r"(0|-?[1-9][0-9]{0,77})\Z")


def words(text: str) -> list[str]:
    """The text's words in the order in which they first come, case folded, each once."""
    found = (word[:LONGEST_WORD] for word in _WORD.findall(text.casefold()))
    return list(dict.fromkeys(found))


def whole(text: str) -> int | None:
    """The integer that a text spells in decimal, of at most 78 digits; None: it spells none."""
    # Only ASCII digits: int() takes those of every script.
    return int(text) if _INTEGER.match(text) else None
