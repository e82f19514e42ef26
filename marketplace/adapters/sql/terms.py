"""A listing as a search spells it: plain terms, sortable integers."""

from collections.abc import Iterable
from hashlib import sha256
from itertools import chain

from marketplace.adapters.sql.plan import Match
from marketplace.core.request import Comparison
from marketplace.ports.index import ListingRow, Search
from marketplace.ports.matching import whole, words

_NINES = str.maketrans("0123456789", "9876543210")


def sortable(number: int) -> str:
    """Text that sorts as the integer does: length, then digits; the less, the more negative."""
    digits = str(abs(number))
    spelled = f"{len(digits):03}{digits}"
    return spelled if number >= 0 else "-" + spelled.translate(_NINES)


def number(spelled: str) -> int:
    """The integer that ``sortable`` spelled."""
    return -int(spelled.translate(_NINES)[4:]) if spelled[0] == "-" else int(spelled[3:])


def terms(row: ListingRow) -> str:
    """All by which a listing is found but numbers; each with a space before and after it."""
    read = " ".join((row.title, *chain.from_iterable(row.attributes.items())))
    found = [_named("k", row.kind), _named("s", row.seller)]
    found += [_named("h", name) for name in row.attributes]
    found += [_named("e", name, value) for name, value in row.attributes.items()]
    found += [_begun(word) for word in words(read)]
    return f" {' '.join(found)} "


def numbers(row: ListingRow) -> Iterable[tuple[str, str]]:
    """Its attributes that are integers, by name."""
    read = ((name, whole(value)) for name, value in row.attributes.items())
    return [(name, sortable(value)) for name, value in read if value is not None]


def match(search: Search) -> Match:
    """What a listing's terms must be; the kind alone is left to the indexes that begin with it."""
    equal = [p for p in search.where if p.comparison is Comparison.EQUAL]
    unequal = [p for p in search.where if p.comparison is Comparison.UNEQUAL]
    must = [_named("e", p.name, p.value) for p in equal]
    must += [_named("h", p.name) for p in unequal]
    must += [_named("s", search.seller)] if search.seller else []
    begun = [_begun(word) for word in words(search.text)]
    if search.kind and (must or begun):
        must.append(_named("k", search.kind))
    never = [_named("e", p.name, p.value) for p in unequal]
    return Match(tuple(must), tuple(begun), tuple(never))


def _named(mark: str, *parts: str) -> str:
    # Lengths first, so that no two lists of parts read the same.
    told = "".join(f"{len(part)}:{part}" for part in parts)
    return mark + sha256(told.encode()).hexdigest()[:16]


def _begun(word: str) -> str:
    # The beginning of a word is the beginning of its bytes, and of their digits.
    return "w" + word.encode().hex()
