"""An honest log, made once: a test that spoils it spoils a copy."""

import anyio
import pytest
from witness import honest_log

from marketplace.core.audit import LoggedEntry
from marketplace.core.terms import Terms

Log = tuple[list[LoggedEntry], str, Terms]


@pytest.fixture(scope="session")
def log() -> Log:
    return anyio.run(honest_log)
