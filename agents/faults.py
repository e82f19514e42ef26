"""What an agent refuses, by name."""

from agents.providers.faults import Fault

__all__ = ["ChargeWrong", "Fault", "NoDeal", "Undelivered"]


class ChargeWrong(Fault):
    """The charge is not what the meter says."""

    sentence = "The charge is {found} where the meter says {bound}. Do not release it."


class NoDeal(Fault):
    """The talk or the deal ended before it began."""

    sentence = "The state is {found} where {bound} was wanted. Invite again, or look elsewhere."


class Undelivered(Fault):
    """Nothing was delivered in time."""

    sentence = "The deal is {found} and never was {bound}. The price is back; buy elsewhere."
