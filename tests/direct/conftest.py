"""One chain for all tests of agents without a registry."""

from apart import network, street, witness

__all__ = ["network", "street", "witness"]
