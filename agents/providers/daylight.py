"""The length of each day of the year at eight latitudes.

Source: Forsythe, Rykiel, Stahl, Wu, Schoolfield, "A model comparison for daylength as a function
of latitude and day of year", Ecological Modelling 80 (1995) 87-95, the CBM model, equations 1 to
3, with a day that ends when the sun's upper edge is on the horizon, refraction included.
"""

from math import acos, asin, atan, cos, floor, pi, radians, sin, tan

LATITUDES = {
    "60S": -60,
    "40S": -40,
    "20S": -20,
    "equator": 0,
    "20N": 20,
    "40N": 40,
    "60N": 60,
    "70N": 70,
}
"""Column name to degrees north. 70N has days without a night and nights without a day."""

DAYS = range(1, 366)
EDGE_DEGREES = 0.8333
"""How far the sun's centre is below the horizon when its upper edge appears to touch it."""


def hours(day: int, latitude: int) -> float:
    """The length of a day, in hours.

    Args:
        day: day of the year, 1 to 365.
        latitude: degrees north.
    """
    revolution = 0.2163108 + 2 * atan(0.9671396 * tan(0.00860 * (day - 186)))
    declination = asin(0.39795 * cos(revolution))
    place = radians(latitude)
    cosine = (sin(radians(EDGE_DEGREES)) + sin(place) * sin(declination)) / (
        cos(place) * cos(declination)
    )
    # Beyond one, the sun does not set, or does not rise, all day.
    return 24 - 24 / pi * acos(max(-1.0, min(1.0, cosine)))


def table() -> bytes:
    """The whole table as CSV: a header, then a line a day, in whole minutes.

    Half minutes go up. No value lies near a half, so machines whose sines differ in the last
    place still agree on every byte.
    """
    lines = [",".join(("day", *LATITUDES))]
    for day in DAYS:
        minutes = (floor(hours(day, latitude) * 60 + 0.5) for latitude in LATITUDES.values())
        lines.append(",".join(map(str, (day, *minutes))))
    return "".join(f"{line}\n" for line in lines).encode()
