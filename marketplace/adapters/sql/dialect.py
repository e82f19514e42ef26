"""How SQLite and PostgreSQL differ: a table of words, and binding."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TypeAlias

from marketplace.adapters.sql.plan import Many, Match, Plain, Value

Bound: TypeAlias = str | int | bytes | list[str | int] | None


# Of one statement; a power of two, so that few sizes are compiled, and each once.
MOST_ROWS = 64
_ROW = re.compile(r"VALUES (\([^()]*\))")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one database spells what the plans write in braces.

    Attributes:
        name: by which its refusals name it.
        numbered: whether placeholders are numbered.
        arrays: whether a list is a value; JSON stands for it where not.
        integer: a whole number of 64 bits.
        text: text that is ordered by its bytes in UTF-8.
        blob: bytes.
        table: what ends a table's definition.
        clustered: the same where the table is its primary key's tree.
        texts: a list of texts as rows of ``t.value``.
        integers: a list of integers likewise.
        object: the function that makes one JSON object of names and values.
        within: the function that says where in a text another begins, 0 if nowhere.
        terms_table: the table of search terms by the listing's id, ``rowid``.
        terms_index: what finds its rows by a term.
        whole_rows: keeps an entry in its row, as it is.
        terms: terms apart by spaces, as that table takes them.
        match: whether its row has the terms of an expression.
        match_and: between two terms of the expression.
        match_not: before each term that must not be there; at least one stands before it.
        match_prefix: after a term of which only the beginning is named.
    """

    name: str
    numbered: bool
    arrays: bool
    integer: str
    text: str
    blob: str
    table: str
    clustered: str
    texts: str
    integers: str
    object: str
    within: str
    terms_table: str
    terms_index: str
    whole_rows: str
    terms: str
    match: str
    match_and: str
    match_not: str
    match_prefix: str


SQLITE = Dialect(
    name="sqlite",
    numbered=False,
    arrays=False,
    integer="INTEGER",
    text="TEXT",
    blob="BLOB",
    table="STRICT",
    clustered="STRICT, WITHOUT ROWID",
    texts="json_each(?) AS t",
    integers="json_each(?) AS t",
    object="json_group_object",
    within="instr",
    # Neither where a term stands nor how many there are is ever asked.
    terms_table="VIRTUAL TABLE listing_terms USING fts5"
    "(terms, detail = none, columnsize = 0, tokenize = 'ascii')",
    terms_index="",
    whole_rows="",
    terms="?",
    match="listing_terms MATCH ?",
    match_and=" AND ",
    match_not=" NOT ",
    match_prefix="*",
)

POSTGRESQL = Dialect(
    name="postgresql",
    numbered=True,
    arrays=True,
    integer="BIGINT",
    text='TEXT COLLATE "C"',
    blob="BYTEA",
    table="",
    clustered="",
    texts="unnest(CAST(? AS TEXT[])) AS t(value)",
    integers="unnest(CAST(? AS BIGINT[])) AS t(value)",
    object="json_object_agg",
    within="strpos",
    terms_table="TABLE listing_terms (rowid BIGINT PRIMARY KEY, terms TSVECTOR NOT NULL)",
    # A list of what is pending would be read by every search.
    terms_index="CREATE INDEX listing_terms_by_term ON listing_terms USING GIN (terms) "
    "WITH (fastupdate = off)",
    # From 2,000 bytes on it would try to compress what is mostly hashes, and put it elsewhere.
    whole_rows="ALTER TABLE entries SET (toast_tuple_target = 8160)",
    terms="array_to_tsvector(string_to_array(btrim(?), ' '))",
    match="terms @@ CAST(? AS TSQUERY)",
    match_and=" & ",
    match_not=" & !",
    match_prefix=":*",
)


@lru_cache(maxsize=1024)
def spell(dialect: Dialect, sql: str) -> str:
    """The statement as this database reads it."""
    spelled = sql.format_map(asdict(dialect))
    if not dialect.numbered:
        return spelled
    first, *rest = spelled.split("?")
    return first + "".join(f"${n}{part}" for n, part in enumerate(rest, 1))


def inserts(sql: str) -> bool:
    """Whether a statement inserts a row that could as well be several."""
    return _ROW.search(sql) is not None


def batches(dialect: Dialect, step: Many) -> Iterator[tuple[str, list[Plain]]]:
    """An insert's rows in few statements, spelled, with the values of each."""
    start, size = 0, MOST_ROWS
    while start < len(step.rows):
        while size > len(step.rows) - start:
            size //= 2
        values = [value for row in step.rows[start : start + size] for value in row]
        yield spell(dialect, _repeated(step.sql, size)), values
        start += size


@lru_cache(maxsize=256)
def _repeated(sql: str, times: int) -> str:
    return _ROW.sub(lambda found: "VALUES " + ", ".join([found[1]] * times), sql)


def bind(dialect: Dialect, values: Sequence[Value]) -> list[Bound]:
    """The values as this database's driver takes them."""
    return [_bind(dialect, value) for value in values]


def _bind(dialect: Dialect, value: Value) -> Bound:
    if isinstance(value, str | int | bytes | None):
        return value
    if isinstance(value, Match):
        begun = (term + dialect.match_prefix for term in value.begun)
        every = dialect.match_and.join((*value.must, *begun))
        return dialect.match_not.join((every, *value.never))
    return list(value) if dialect.arrays else json.dumps(list(value))
