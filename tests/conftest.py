"""Hypothesis profiles and the event loop, for every test.

``HYPOTHESIS_PROFILE`` chooses: ``dev`` while writing, ``ci`` the same every time,
``night`` for as long as it takes.
"""

import atexit
import os
import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, settings

# A shared machine is slow at times; that says nothing about the code.
_CALM = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("dev", max_examples=50, **_CALM)
settings.register_profile("ci", max_examples=200, derandomize=True, **_CALM)
settings.register_profile("night", max_examples=10_000, **_CALM)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


# What an audit remembers of the tests' logs is nothing to whoever runs them.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="parley-state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
