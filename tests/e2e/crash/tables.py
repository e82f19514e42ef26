"""What is in the database, read past the registry's own code."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, TypeAlias

import asyncpg

Rows: TypeAlias = list[tuple[Any, ...]]
POSTGRESQL = "postgresql://"


async def read(where: str, *queries: str) -> list[Rows]:
    """The rows of each query, all of one moment."""
    if where.startswith(POSTGRESQL):
        return await _read_postgresql(where, queries)
    return _read_sqlite(where, queries)


def _read_sqlite(where: str, queries: Sequence[str]) -> list[Rows]:
    with closing(sqlite3.connect(f"file:{where}?mode=ro", uri=True, isolation_level=None)) as file:
        file.execute("BEGIN")
        return [file.execute(query).fetchall() for query in queries]


async def _read_postgresql(where: str, queries: Sequence[str]) -> list[Rows]:
    connection = await asyncpg.connect(where)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return [[tuple(row) for row in await connection.fetch(query)] for query in queries]
    finally:
        await connection.close()
