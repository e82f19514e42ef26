"""A search as it is spelled in a URL."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from marketplace.core.errors import ValueMalformed
from marketplace.core.outcome import ISSUE_BITS
from marketplace.core.request import MOST_PREDICATES, Predicate
from marketplace.core.values import address, decimal, digest
from marketplace.ports.index import Found, Order, Search

LARGEST_SEARCH = 200


def _printable(given: str) -> str:
    # PostgreSQL's texts hold no NUL, and no listing says what cannot be shown.
    if not given.isprintable():
        raise ValueError("Value should have printable characters alone")
    return given


Printable = Annotated[str, AfterValidator(_printable)]


class SearchQuery(BaseModel):
    """What a searcher asks for; an empty word matches everything."""

    model_config = ConfigDict(extra="forbid")

    kind: Printable = Field("", max_length=40, examples=["compute"])
    text: Printable = Field("", max_length=200, description="words that begin words of the listing")
    seller: str = Field("", max_length=42)
    where: list[Printable] = Field(
        [],
        max_length=MOST_PREDICATES,
        description="conditions on attributes: name, one of = != >= <=, value",
        examples=[["gpu_memory>=24", "region=north"]],
    )
    highest_price: str = Field("", max_length=40, description="base units a unit")
    units: int = Field(1, ge=1, le=2**53, description="at least so many on sale")
    least_settled: int = Field(0, ge=0, le=2**31, description="the seller's settled deals")
    order: Order = Order.OLDEST
    cursor: str = Field("", max_length=400, description="``next`` of the page before")
    limit: int = Field(100, ge=1, le=LARGEST_SEARCH)

    def to_search(self, now: int) -> Search:
        """Parse what pydantic cannot; raises ValueMalformed."""
        price = self.highest_price
        return Search(
            now=now,
            kind=self.kind,
            seller=address(self.seller, "seller") if self.seller else "",
            text=self.text,
            where=tuple(Predicate.parse(one) for one in self.where),
            highest_price=decimal(price, "highest_price", ISSUE_BITS) if price else None,
            units=self.units,
            least_settled=self.least_settled,
            order=self.order,
            after=_place(self.cursor, self.order) if self.cursor else None,
            limit=self.limit,
        )


def next_cursor(search: Search, found: Sequence[Found]) -> str | None:
    """Where the page after this one begins; None where there is none."""
    if len(found) < search.limit:
        return None
    last = found[-1]
    place = f"{search.order.value}|{last.key}|{last.row.thread}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(cursor: str, order: Order) -> tuple[int, str]:
    form = f"the ``next`` of a page in the order {order.value}"
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        told, key, thread = base64.urlsafe_b64decode(padded).decode("ascii").split("|")
        if told != order.value or len(key) > 40:  # noqa: PLR2004 a price has 29 digits
            raise ValueMalformed("cursor", cursor[:80], form)
        return int(key), digest(thread, "cursor")
    except (ValueError, binascii.Error, UnicodeDecodeError):
        raise ValueMalformed("cursor", cursor[:80], form) from None
