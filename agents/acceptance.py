"""Acceptance: whether the offer on the table is good enough."""


def ac_next(standing: float, next_bid: float, reserved: float) -> bool:
    """Accept what is worth at least our own next bid, and never less than no agreement.

    AC_next after Baarslag, Hindriks and Jonker (2013), with the reservation value as floor.
    """
    return standing >= max(next_bid, reserved)
