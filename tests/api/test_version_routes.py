"""Two versions over HTTP: a registry that knows the first one's escrow takes its words too."""

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from market import (
    BUYER,
    DOMAIN,
    FIRST_DOMAIN,
    SELLER,
    accept,
    content,
    invite,
    listing,
    offer,
    proposed,
    talk,
)
from witness import LOG_KEY, SetClock

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.memory.store import MemoryStore
from marketplace.bootstrap import build_access, build_app, build_domains, build_services
from marketplace.core.values import keccak
from marketplace.settings import RegistrySettings

pytestmark = pytest.mark.anyio

FOLDER = Path(__file__).parents[1] / "recorded"
FACTS: dict[str, Any] = json.loads((FOLDER / "0.1.0.json").read_text())
LINES = gzip.decompress((FOLDER / "0.1.0.jsonl.gz").read_bytes()).splitlines()


@dataclass
class Registry:
    """What a test asks, and the clock that it sets."""

    http: httpx.AsyncClient
    clock: SetClock


@asynccontextmanager
async def registry(escrow_v1: str = "", chain_id: int = DOMAIN.chain_id) -> AsyncIterator[Registry]:
    told = RegistrySettings(
        "", chain_id, DOMAIN.verifying_contract, escrow_v1=escrow_v1, public=True
    )
    store, clock = MemoryStore(), SetClock()
    access = build_access(told)
    services = build_services(build_domains(told), store, MemoryBus(), clock, access, LOG_KEY)
    app = build_app(told, services, store, keccak(b"a secret of the tests"))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        yield Registry(client, clock)


def both() -> AbstractAsyncContextManager[Registry]:
    return registry(FIRST_DOMAIN.verifying_contract)


async def test_registry_says_which_versions_it_takes_and_which_to_prefer():
    async with both() as asked:
        told = (await asked.http.get("/v1")).json()
    assert told["domain"] == DOMAIN.to_json()
    assert [one["version"] for one in told["versions"]] == ["2", "1"]
    assert [one["domain"] for one in told["versions"]] == [DOMAIN.to_json(), FIRST_DOMAIN.to_json()]
    assert [one["domain_separator"] for one in told["versions"]] == [
        "0x" + domain.separator.hex() for domain in (DOMAIN, FIRST_DOMAIN)
    ]
    async with registry() as asked:
        told = (await asked.http.get("/v1")).json()
    assert [one["version"] for one in told["versions"]] == ["2"]


async def test_negotiations_of_both_versions_go_on_side_by_side():
    async with both() as asked:
        for domain in (DOMAIN, FIRST_DOMAIN):
            listed = listing(domain=domain)
            on = talk(listed)
            for said in (listed, invite(listed), offer(on, SELLER), accept(proposed(on), BUYER)):
                answer = await asked.http.post("/v1/messages", json=said.to_json())
                assert answer.status_code == 201, answer.text
            told = (await asked.http.get(f"/v1/negotiations/{on.id}")).json()
            assert (told["version"], told["state"]) == (domain.version, "ACCEPTED")
        found = (await asked.http.get("/v1/listings")).json()["listings"]
    assert {one["message"].get("version", "1") for one in found} == {"1", "2"}


async def test_seller_of_the_first_version_moves_its_listing_to_the_present_one():
    old = listing(domain=FIRST_DOMAIN)
    new = listing(what=content(title="Moved"), replaces=old.digest)
    async with both() as asked:
        for said in (old, new):
            assert (await asked.http.post("/v1/messages", json=said.to_json())).status_code == 201
        stale = await asked.http.post("/v1/messages", json=invite(old).to_json())
        assert stale.json()["code"] == "ListingReplaced"
        assert (
            await asked.http.post("/v1/messages", json=invite(new).to_json())
        ).status_code == 201


@pytest.mark.parametrize(
    ("version", "stated"), [("3", "'3'"), (None, "None"), ("1", "'1'"), (2, "2")]
)
async def test_version_that_is_not_taken_is_told_what_is(version: object, stated: str):
    said = {**listing().to_json(), "version": version}
    async with registry() as asked:
        answer = await asked.http.post("/v1/messages", json=said)
    told = answer.json()
    assert (told["code"], told["values"]) == (
        "VersionUnsupported",
        {"stated": stated, "served": "2"},
    )


async def test_registry_without_the_first_escrow_tells_its_clients_to_move():
    async with registry() as asked:
        answer = await asked.http.post("/v1/messages", json=listing(domain=FIRST_DOMAIN).to_json())
    assert answer.json()["values"] == {"stated": "'1'", "served": "2"}


async def test_recorded_clients_of_release_0_1_0_are_answered_as_it_answered_them():
    async with registry(FACTS["escrow"], FACTS["chain_id"]) as asked:
        for line in LINES:
            leaf = json.loads(line)
            asked.clock.at = leaf["received_at"]
            answer = await asked.http.post("/v1/messages", json=leaf["message"])
            assert answer.status_code == 201, answer.text
            assert answer.json()["received_at"] == leaf["received_at"]
        asked.clock.at = FACTS["at"]
        for known in FACTS["negotiations"]:
            told = (await asked.http.get(f"/v1/negotiations/{known['id']}")).json()
            assert (told["version"], told["state"], told["head"]) == (
                "1",
                known["read_as"],
                known["head"],
            )
