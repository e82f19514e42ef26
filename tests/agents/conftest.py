"""One network for the tests of whole trades."""

from live import network, registry, stage

__all__ = ["network", "registry", "stage"]
