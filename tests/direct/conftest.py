"""One chain for all tests of agents without a registry."""

from apart import chain, street

__all__ = ["chain", "street"]
