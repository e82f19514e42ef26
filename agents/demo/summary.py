"""What is left of a deal when it is over: figures and an evidence file."""

import json
from dataclasses import dataclass
from pathlib import Path

from agents.demo.deals import Done
from marketplace.sdk import Client


@dataclass(frozen=True, slots=True)
class Summary:
    """One deal in the report: prices in base units, gas of all its transactions together."""

    id: str
    kind: str
    state: str
    rounds: int
    price: int
    paid: int
    gas: int
    evidence: str


def summarise(client: Client, done: Done, directory: Path) -> Summary:
    """Write the deal's evidence and count its figures from it."""
    evidence = client.evidence(done.deal)
    path = directory / f"evidence-{done.kind}.json"
    path.write_text(json.dumps(evidence, indent=2) + "\n")
    position = done.deal.position
    return Summary(
        id=done.deal.id,
        kind=done.kind,
        state=position.state.name,
        rounds=len(done.talk.negotiation.offers),
        price=done.deal.agreement.terms.price,
        paid=position.released,
        gas=sum(done.deal.gas()),
        evidence=str(path.resolve()),
    )
