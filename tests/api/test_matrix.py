"""Who may do what: every route of the document, asked by everybody who could ask it.

Two parties negotiate; a stranger, an auditor and keys that the buyer has delegated to try
what is theirs. A route that is not in the table fails the test, so that none is forgotten.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from market import (
    ARBITER,
    BUYER,
    DOMAIN,
    HOT_KEY,
    NOW,
    SELLER,
    STRANGER,
    Party,
    invite,
    listing,
    offer,
    proposed,
    reject,
    talk,
    word,
)
from served import read, served
from visitor import login, typed_request
from witness import Witness

from marketplace.adapters.memory.store import MemoryStore
from marketplace.core.identity import ROLES, Delegation, Mandate, Scope
from marketplace.core.login import Origin
from marketplace.core.words import Upload
from marketplace.ports.journal import Request, Standing
from marketplace.services.access import Access

pytestmark = pytest.mark.anyio

ORIGIN = "https://registry.example"
LISTED = listing()
TALK = talk(LISTED)
DATA = b"what only the two should read"
ARTIFACT = "0x" + sha256(DATA).hexdigest()
# Of everything inside the offer, something that stands nowhere else.
SECRET = str(offer(TALK, SELLER).to_json()["detail"]["salt"])
AUDITOR = ARBITER
AUDITED = Access(frozenset({AUDITOR.address}))
CLERK = Party("a key of the buyer that lists and does not read")
MANAGER = Party("a key of the buyer that may all that a delegate may")

PLACES = {
    "listing": LISTED.digest,
    "agent": BUYER.address,
    "asked": word("a request"),
    "negotiation": TALK.id,
    "artifact": ARTIFACT,
    "webhook": "wh_none",
    "index": "0",
    "tile": "0/000.p/1",
}
OPEN = dict.fromkeys(
    ("nobody", "stranger", "buyer", "seller", "auditor", "reader", "clerk", "manager"), 200
)
PARTIES = {
    "nobody": "LoginMissing",
    "stranger": "NotAParty",
    "buyer": 200,
    "seller": 200,
    "auditor": 200,
    "reader": 200,
    "clerk": "ScopeMissing",
    "manager": 200,
}
MANAGERS = {
    "nobody": "LoginMissing",
    "stranger": 200,
    "buyer": 200,
    "seller": 200,
    "auditor": 200,
    "reader": "ScopeMissing",
    "clerk": "ScopeMissing",
    "manager": 200,
}
MISSING = {who: "WebhookMissing" if told == 200 else told for who, told in MANAGERS.items()}

# What each route answers each caller: a status, or a code.
EXPECTED: dict[str, Mapping[str, int | str]] = {
    "health": dict.fromkeys(OPEN, 204),
    "ready": dict.fromkeys(OPEN, 204),
    "info": OPEN,
    "readLog": OPEN,
    "readCheckpoint": OPEN,
    "readTile": OPEN,
    "challengeLogin": OPEN,
    "searchListings": OPEN,
    "readListing": OPEN,
    "readAgent": dict.fromkeys(OPEN, "AgentMissing"),
    "readRequest": dict.fromkeys(OPEN, "RequestMissing"),
    # What these take proves its author; a login adds nothing.
    "submitMessage": dict.fromkeys(OPEN, "ValueMalformed"),
    "logIn": dict.fromkeys(OPEN, "FieldsDiffer"),
    "putArtifact": dict.fromkeys(OPEN, 204),
    "heartbeat": {
        "nobody": "LoginMissing",
        "stranger": "NotAParty",
        "buyer": "NotAParty",
        "seller": 204,
        "auditor": "NotAParty",
        "reader": "ScopeMissing",
        "clerk": "NotAParty",
        "manager": "NotAParty",
    },
    "readNegotiation": PARTIES,
    "readMessages": PARTIES,
    "readArtifact": PARTIES,
    "followEvents": {**PARTIES, "seller": "NotAParty"},
    "pollEvents": {**PARTIES, "seller": "NotAParty"},
    "handIn": {
        "nobody": "LoginMissing",
        "stranger": "FieldsDiffer",
        "buyer": "FieldsDiffer",
        "seller": "FieldsDiffer",
        "auditor": "FieldsDiffer",
        "reader": "ScopeMissing",
        "clerk": "ScopeMissing",
        "manager": "FieldsDiffer",
    },
    # A webhook would read on for a delegate whose delegation has ended.
    "createWebhook": {
        **{who: 201 if told == 200 else told for who, told in MANAGERS.items()},
        "manager": "MandateRefused",
    },
    "listWebhooks": MANAGERS,
    "endWebhook": MISSING,
    "enableWebhook": MISSING,
    # Who knows the secret can speak to the receiver as the registry.
    "rotateWebhookSecret": {**MISSING, "manager": "MandateRefused"},
    "listDeadLetters": MISSING,
    "redeliverDeadLetter": MISSING,
}
BODIES: dict[str, Any] = {"createWebhook": {"url": "https://receiver.example/"}}
# Of events a caller asks for the buyer's.
QUERIES = {"followEvents": {"party": BUYER.address}, "pollEvents": {"party": BUYER.address}}


def mandate(to: Party, scope: Scope) -> Mandate:
    given = Delegation(BUYER.address, to.address, scope, NOW + 3600, word(to.name))
    return Mandate(given, BUYER.sign(given.digest(DOMAIN)))


CALLERS: dict[str, tuple[Party, Mandate | None] | None] = {
    "nobody": None,
    "stranger": (STRANGER, None),
    "buyer": (BUYER, None),
    "seller": (SELLER, None),
    "auditor": (AUDITOR, None),
    "reader": (HOT_KEY, mandate(HOT_KEY, Scope.READ)),
    "clerk": (CLERK, mandate(CLERK, Scope.LIST)),
    "manager": (MANAGER, mandate(MANAGER, ROLES["manager"])),
}


async def headers_of(client: httpx.AsyncClient, who: str) -> dict[str, str]:
    caller = CALLERS[who]
    if caller is None:
        return {}
    party, given = caller
    nonce = (await client.get("/v1/login")).json()["nonce"]
    account = BUYER if given else party
    told = login(nonce, account, origin=Origin.parse(ORIGIN).digest, scope=31)
    answer = await client.post("/v1/token", json=typed_request(told, party, given))
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def negotiating(access: Access) -> Witness:
    witness = Witness(access=access)
    await witness.take(LISTED, invite(LISTED), offer(TALK, SELLER))
    upload = Upload(TALK.id, ARTIFACT)
    await witness.services.artifacts.put(upload, BUYER.address, DATA)
    return witness


def operations(app: FastAPI) -> dict[str, tuple[str, str]]:
    return {
        operation["operationId"]: (method, path)
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    }


def test_every_operation_of_the_document_is_in_the_table():
    assert set(operations(Witness().app(origin=ORIGIN))) == set(EXPECTED)


async def ask(
    client: httpx.AsyncClient, name: str, method: str, path: str, headers: dict[str, str]
) -> httpx.Response:
    if name == "putArtifact":
        signature = BUYER.sign(Upload(TALK.id, ARTIFACT).digest(DOMAIN))
        sent = {**headers, "parley-signature": signature}
        return await client.put(path.format(**PLACES), content=DATA, headers=sent)
    body = {"json": BODIES.get(name, {})} if method == "post" else {}
    url, query = path.format(**PLACES), QUERIES.get(name)
    request = client.build_request(method.upper(), url, params=query, headers=headers, **body)
    return await client.send(request, stream=True)


@pytest.mark.parametrize("who", CALLERS)
async def test_each_caller_gets_from_each_route_what_is_its_own(who: str):
    witness = await negotiating(AUDITED)
    told: dict[str, int | str] = {}
    # Over a socket: a stream that is let through does not end, and its reader hangs up.
    async with served(witness, origin=ORIGIN) as client:
        headers = await headers_of(client, who)
        for name, (method, path) in operations(witness.app(origin=ORIGIN)).items():
            answer = await ask(client, name, method, path, headers)
            refused = answer.headers.get("content-type") == "application/problem+json"
            if refused:
                await answer.aread()
            told[name] = answer.json()["code"] if refused else answer.status_code
            await answer.aclose()
    assert told == {name: callers[who] for name, callers in EXPECTED.items()}


@pytest.mark.parametrize(
    ("who", "reads"),
    [("nobody", False), ("stranger", False), ("clerk", False), ("buyer", True), ("auditor", True)],
)
async def test_bodies_of_a_negotiation_are_in_no_answer_to_whom_they_do_not_concern(
    who: str, *, reads: bool
):
    witness = await negotiating(AUDITED)
    async with served(witness, origin=ORIGIN) as client:
        headers = await headers_of(client, who)
        log = await client.get("/v1/log", headers=headers)
        poll = await client.get("/v1/events/poll", headers=headers)
        messages = await client.get(f"/v1/negotiations/{TALK.id}/messages", headers=headers)
        streamed = await read(client, 3, login=headers)
    answers = log.text, poll.text, messages.text, json.dumps(streamed)
    assert [SECRET in answer for answer in answers] == [reads] * 4


async def test_what_one_reader_of_the_stream_was_shown_the_next_is_not():
    witness = await negotiating(AUDITED)
    shown: list[bool] = []
    async with served(witness, origin=ORIGIN) as client:
        for who in ("nobody", "buyer", "stranger", "seller", "nobody"):
            headers = await headers_of(client, who)
            shown.append(SECRET in json.dumps(await read(client, 3, login=headers)))
    assert shown == [False, True, False, True, False]


@pytest.mark.parametrize("path", ["/v1/negotiations/{}", "/v1/negotiations/{}/messages"])
async def test_a_tag_of_what_is_private_opens_it_to_nobody_else(path: str):
    witness = await negotiating(AUDITED)
    told: dict[str, int | str] = {}
    async with served(witness, origin=ORIGIN) as client:
        mine, url = await headers_of(client, "buyer"), path.format(TALK.id)
        first = await client.get(url, headers=mine)
        known = {"if-none-match": first.headers["etag"]}
        for who in CALLERS:
            asked = await client.get(url, headers={**await headers_of(client, who), **known})
            told[who] = asked.json()["code"] if asked.content else asked.status_code
        await witness.take(reject(proposed(TALK), BUYER))
        changed = await client.get(url, headers={**mine, **known})
    assert first.headers["cache-control"] == "private, no-cache"
    assert told == {who: 304 if told == 200 else told for who, told in PARTIES.items()}
    assert (changed.status_code, changed.content != first.content) == (200, True)


async def test_no_read_is_kept_under_a_name(monkeypatch: pytest.MonkeyPatch):
    witness = await negotiating(AUDITED)
    begun: list[str] = []

    async def begin(_: MemoryStore, request: Request, __: int) -> tuple[Standing, None]:
        begun.append(request.key)
        return Standing.BEGUN, None

    monkeypatch.setattr(MemoryStore, "begin", begin)
    async with served(witness, origin=ORIGIN) as client:
        headers = await headers_of(client, "buyer")
        for name, (method, path) in operations(witness.app(origin=ORIGIN)).items():
            named = {**headers, "idempotency-key": f"{method} {name}"}
            await (await ask(client, name, method, path, named)).aclose()
    assert begun == ["post createWebhook", "post rotateWebhookSecret"]


async def test_where_the_operator_hides_nothing_everybody_reads():
    app = (await negotiating(Access(everybody=True))).app(origin=ORIGIN)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        answer = await client.get(f"/v1/negotiations/{TALK.id}/messages")
    assert answer.status_code == 200
    assert len(answer.json()["messages"]) == 2
