"""Seeking: what is on sale, what is asked for, and who answers with what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from marketplace.core.errors import ListingMissing, RegistryMissing, RequestMissing
from marketplace.core.listing import Content, Listing
from marketplace.core.message import Message, parse_message
from marketplace.core.outcome import UNIT_PRICE
from marketplace.core.request import Demand, Quotation, Request
from marketplace.core.values import Digest, Json
from marketplace.core.words import Kind
from marketplace.ports.channel import Heard
from marketplace.sdk.direct import Direct
from marketplace.sdk.means import Means
from marketplace.sdk.registry import Registry

DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Listed:
    """A published listing, its signature proved.

    ``settled`` counts its seller's settled deals; it is the registry's word, and the chain
    can be asked.
    """

    digest: Digest
    header: Listing
    content: Content
    settled: int = 0


@dataclass(frozen=True, slots=True)
class Sought:
    """A published request for quotation, its signature proved.

    ``index`` is its place in the log: ``requests`` goes on after it.
    """

    digest: Digest
    header: Request
    demand: Demand
    index: int


class Seeker:
    """What a client looks for, asks for and answers."""

    _means: Means
    _registry: Registry | Direct

    def search(self, **query: str | int | Sequence[str]) -> list[Listed]:
        """One page of live listings; what is not named matches everything.

        Args:
            query: ``kind`` and ``seller`` exactly; ``text``, words that begin words of title
                or attributes; ``where``, conditions on attributes such as ``gpu_memory>=24``;
                ``highest_price`` a unit, in base units; ``units``, at least so many on sale;
                ``least_settled`` deals of the seller; ``order``: oldest, cheapest or
                reputation; ``limit``.
        """
        return self._page(query)[0]

    def browse(self, **query: str | int | Sequence[str]) -> Iterator[Listed]:
        """Every listing that a search finds, page after page; it takes what ``search`` takes."""
        seen: set[str] = set()
        cursor: str | None = ""
        # A registry that names a page again would be read for ever.
        while cursor is not None and cursor not in seen:
            seen.add(cursor)
            found, cursor = self._page({**query, "cursor": cursor})
            yield from found

    def listed(self, listing: Digest) -> Listed:
        """A listing by its digest, replaced or not, as its seller published it."""
        found = self._listed(self._means.registry.listing(listing))
        if found.digest != listing:
            raise ListingMissing(listing)
        return found

    def heartbeat(self, listing: Listed) -> None:
        """As its seller: say that the listing is alive, in each of its heartbeats."""
        self._hall("heartbeats").heartbeat(listing.digest)

    def request(self, demand: Demand, lasts: int = DAY) -> Sought:
        """As a buyer: publish what is looked for; sellers whose listings match are told."""
        signer = self._means.signer
        ends = signer.clock.now() + lasts
        header = Request(signer.address, demand.digest, ends, self._means.random_bytes32())
        message = signer.word(Kind.REQUEST, header, demand)
        receipt = self._means.registry.submit(message.to_json())
        return Sought(message.digest, header, demand, receipt.index)

    def requests(self, start: int = 0) -> Iterator[Sought]:
        """As a seller: each open request that this party was told of, for ever.

        Args:
            start: an index of the log; after a restart, the last one's and one more.
        """
        signer = self._means.signer
        for view in self._means.registry.follow(start, signer.address):
            if view is None or view.kind != Kind.REQUEST:
                continue
            sought = self._sought(view)
            if sought.header.buyer != signer.address and signer.clock.now() < (
                sought.header.expires_at
            ):
                yield sought

    def quote(self, request: Sought, listing: Listed, unit_price: int | None = None) -> Quotation:
        """As a seller: answer a request with a listing; it binds nobody.

        Args:
            request: what is asked for.
            listing: this party's own, on which it would negotiate.
            unit_price: what it expects to ask, in base units; None: the listing's highest.
        """
        signer = self._means.signer
        prices = next(issue for issue in listing.content.space if issue.name == UNIT_PRICE)
        price = prices.high if unit_price is None else unit_price
        word = Quotation(signer.address, request.digest, listing.digest, price)
        self._means.registry.submit(signer.word(Kind.QUOTATION, word).to_json())
        return word

    def quotations(self, request: Sought) -> list[Quotation]:
        """As a buyer: the answers so far, each its seller's own; ``listed`` leads on."""
        views = self._hall("quotations").request(request.digest).quotations
        return [self._quoted(request.digest, view) for view in views]

    def _hall(self, wanted: str) -> Registry:
        if isinstance(self._registry, Direct):
            raise RegistryMissing(wanted)
        return self._registry

    def _page(self, query: dict[str, str | int | Sequence[str]]) -> tuple[list[Listed], str | None]:
        page = self._registry.listings(query)
        return [self._listed(view, view.settled) for view in page.listings], page.next

    def _proved(self, envelope: Mapping[str, Json] | None) -> Message:
        return parse_message(envelope, self._means.signer.domain)

    def _listed(self, view: Heard, settled: int = 0) -> Listed:
        message = self._proved(view.message)
        match message.body, message.detail:
            case Listing() as header, Content() as content if message.signer == header.seller:
                return Listed(message.digest, header, content, settled)
        raise ListingMissing(message.digest)

    def _sought(self, view: Heard) -> Sought:
        message = self._proved(view.message)
        match message.body, message.detail:
            case Request() as header, Demand() as demand if message.signer == header.buyer:
                return Sought(message.digest, header, demand, view.index)
        raise RequestMissing(message.digest)

    def _quoted(self, request: Digest, view: Heard) -> Quotation:
        message = self._proved(view.message)
        word = message.body
        if isinstance(word, Quotation) and (message.signer, request) == (word.seller, word.request):
            return word
        raise RequestMissing(request)
