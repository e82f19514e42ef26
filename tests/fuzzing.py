"""A foreign fuzzer reads the registry's own document and holds the registry to it."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from hashlib import sha256

import httpx
import schemathesis
from fastapi import FastAPI
from market import (
    BUYER,
    SELLER,
    card,
    delegation,
    invite,
    listing,
    offer,
    quote,
    request,
    talk,
)
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import EngineFinished, NonFatalError, ScenarioFinished
from visitor import login, typed_request
from witness import Witness

from marketplace.core.login import Origin
from marketplace.core.words import Upload
from marketplace.ports.store import Entry
from marketplace.services.access import Access
from marketplace.services.feed import Feed
from marketplace.services.recent import Recent

ORIGIN = "https://registry.example"
DATA = b"what one party leaves for the other"
# A signed word cannot be generated, so that what fits the document may still be refused.
LEFT_OUT = {"positive_data_acceptance": {"enabled": False}}


class EndingFeed(Feed):
    """A feed whose readers do not wait: a fuzzer has other things to do."""

    async def poll(self, start: int, limit: int, party: str, seconds: float) -> list[Entry]:
        """What there is."""
        return await super().poll(start, limit, party, min(0, seconds))

    async def follow(self, start: int, party: str = "") -> AsyncIterator[Entry | None]:
        """What there is, and one heartbeat."""
        for entry in await self.store.entries(start, 100, party):
            yield entry
        yield None


@dataclass
class Outcome:
    """What a run came to."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


async def stocked(access: Access) -> Witness:
    """A registry that has something to show under the names that the document gives."""
    witness = Witness(access=access)
    listed, asked = listing(), request()
    await witness.take(card(), delegation(), listed, asked, quote(asked, listed))
    await witness.take(invite(listed), offer(talk(listed), SELLER))
    upload = Upload(talk(listed).id, "0x" + sha256(DATA).hexdigest())
    await witness.services.artifacts.put(upload, BUYER.address, DATA)
    feed = EndingFeed(witness.store, Recent(alone=True), witness.services.feed.bus)
    witness.services = replace(witness.services, feed=feed)
    return witness


async def token(app: FastAPI) -> str:
    """Of the buyer, for everything."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        nonce = (await client.get("/v1/login")).json()["nonce"]
        told = login(nonce, origin=Origin.parse(ORIGIN).digest, scope=31)
        granted = await client.post("/v1/token", json=typed_request(told))
    return str(granted.json()["access_token"])


def registry(*, public: bool) -> FastAPI:
    """A stocked registry over HTTP."""
    return asyncio.run(stocked(Access(everybody=public))).app(origin=ORIGIN)


def fuzz(app: FastAPI, phases: set[str], examples: int, seed: int, *, known: bool) -> Outcome:
    """Run the fuzzer; ``known``: with a login."""
    told = {
        "seed": seed,
        "continue-on-failure": True,
        "checks": LEFT_OUT,
        "suppress-health-check": ["all"],
        "generation": {
            "max-examples": examples,
            "database": "none",
            "no-shrink": True,
            "allow-extra-parameters": False,
        },
        "phases": {
            name: {"enabled": name in phases}
            for name in ("examples", "coverage", "fuzzing", "stateful")
        },
        **({"auth": {"openapi": {"login": {"bearer": asyncio.run(token(app))}}}} if known else {}),
    }
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", app, config=SchemathesisConfig.from_dict(told)
    )
    outcome = Outcome()
    for event in from_schema(schema).execute():
        if isinstance(event, ScenarioFinished):
            _count(event, outcome)
        elif isinstance(event, NonFatalError):
            outcome.failures.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, EngineFinished):
            outcome.failures += [
                f"{one.operation}: {one.title}: {one.message}" for one in event.failures
            ]
    return outcome


def _count(event: ScenarioFinished, outcome: Outcome) -> None:
    recorder = event.recorder
    outcome.cases += len(recorder.interactions)
    for case, interaction in recorder.interactions.items():
        if interaction.response is not None:
            outcome.statuses[interaction.response.status_code] += 1
        outcome.operations[recorder.cases[case].value.operation.label] += 1
    for checks in recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                outcome.failures.append(
                    f"{failure.operation}: {check.name}: {failure.message[:400]}"
                )


def shown(outcome: Outcome) -> str:
    """One line."""
    told = {str(status): count for status, count in sorted(outcome.statuses.items())}
    return f"{outcome.cases} cases, {len(outcome.failures)} failures, {json.dumps(told)}"
