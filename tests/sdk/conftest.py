"""One network for all tests of the SDK; a pair of parties for each."""

import pytest
from live import Pair, Stage, network, registry, stage

__all__ = ["network", "registry", "stage"]


@pytest.fixture
def two(stage: Stage) -> Pair:
    return stage.pair()
