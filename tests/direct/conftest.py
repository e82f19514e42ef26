"""One chain for all tests of agents without a registry."""

from apart import chain, street, witness

__all__ = ["chain", "street", "witness"]
