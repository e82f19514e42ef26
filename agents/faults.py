"""What an agent refuses, by name."""

from agents.providers.faults import Fault


class ChargeWrong(Fault):
    """The charge is not what the meter says."""


class NoDeal(Fault):
    """The talk ended without an agreement."""
