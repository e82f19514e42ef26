"""Evidence: all that a third party needs to judge one deal, as JSON."""

from marketplace.core.eip712 import typed_data
from marketplace.core.values import Json
from marketplace.ports.chain import DealEvent
from marketplace.ports.channel import Heard
from marketplace.sdk.means import Means
from marketplace.sdk.settlement import Settlement

FORMAT = "parley.evidence.1"


def gather(means: Means, deal: Settlement) -> dict[str, Json]:
    """The deal's evidence.

    ``typed_data`` is what both signed, as any EIP-712 wallet or ``cast wallet verify``
    takes it; ``transcript`` is the negotiation from its invitation on, each message with
    its place in the registry's log; ``events`` are the escrow's, with their transactions.
    """
    agreement, domain = deal.agreement, means.signer.domain
    transcript = means.registry.messages(agreement.negotiation)
    listing = means.registry.listing(agreement.subject.listing)
    return {
        "format": FORMAT,
        "deal": agreement.digest,
        "negotiation": agreement.negotiation,
        "typed_data": typed_data(agreement.terms, domain),
        "subject": agreement.subject.to_json(),
        "buyer_signature": agreement.buyer_signature,
        "seller_signature": agreement.seller_signature,
        "listing": _heard(listing),
        "transcript": [_heard(view) for view in transcript],
        "events": [_event(means, event) for event in deal.events()],
    }


def _heard(view: Heard) -> dict[str, Json]:
    return {
        "index": view.index,
        "thread": view.thread,
        "sequence": view.sequence,
        "kind": view.kind,
        "received_at": view.received_at,
        "said_at": view.said_at,
        "message": view.message,
    }


def _event(means: Means, event: DealEvent) -> dict[str, Json]:
    return {
        "event": event.name,
        "values": {name: str(value) for name, value in event.values.items()},
        "at": event.at,
        "block": event.block,
        "transaction": event.transaction,
        "gas": means.chain.gas(event.transaction),
    }
