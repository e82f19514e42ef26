"""Ask a registry in this process everything once, and write what was said.

The requests and answers become the examples of the OpenAPI document. Run it after a view or
a route has changed; tests hold each example to its schema.
"""

import asyncio
import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "marketplace/api/examples.json"
ORIGIN = "https://registry.example"
DATA = b"what one party leaves for the other"
sys.path.insert(0, str(ROOT / "tests"))

import market as m  # noqa: E402 found once the path is set
from visitor import login, typed_request  # noqa: E402 the same
from witness import Witness  # noqa: E402 the same

from marketplace.core.login import Origin  # noqa: E402 the same
from marketplace.core.words import Upload  # noqa: E402 the same

LISTED, ASKED = m.listing(), m.request()
TALK = m.talk(LISTED)
# Of a negotiation that was held elsewhere.
ELSEWHERE = m.word("salt of another invitation")
HELD = {
    "messages": [
        {"message": LISTED.to_json(), "said_at": m.NOW},
        {"message": m.invite(LISTED, salt=ELSEWHERE).to_json(), "said_at": m.NOW},
        {
            "message": m.offer(m.talk(LISTED, salt=ELSEWHERE), m.SELLER).to_json(),
            "said_at": m.NOW,
        },
    ]
}
ARTIFACT = "0x" + sha256(DATA).hexdigest()
LETTERS = {"dead_letters": [{"index": 5, "attempts": 10, "reason": "status 500", "at": m.NOW}]}
PARAMETERS = {
    "tile": "entries/000.p/3",
    "listing": LISTED.digest,
    "agent": m.SELLER.address,
    "asked": ASKED.digest,
    "negotiation": TALK.id,
    "artifact": ARTIFACT,
    "index": 5,
    "parley-signature": m.BUYER.sign(Upload(TALK.id, ARTIFACT).digest(m.DOMAIN)),
}
TALKING = f"/v1/negotiations/{TALK.id}"
PATHS = {
    "info": "/v1",
    "challengeLogin": "/v1/login",
    "searchListings": "/v1/listings",
    "readListing": f"/v1/listings/{LISTED.digest}",
    "readAgent": f"/v1/agents/{m.SELLER.address}",
    "readRequest": f"/v1/requests/{ASKED.digest}",
    "readNegotiation": TALKING,
    "readMessages": f"{TALKING}/messages",
    "pollEvents": "/v1/events/poll?start=5&limit=1",
    "readLog": "/v1/log?start=5&limit=1",
    "listWebhooks": "/v1/webhooks",
}


async def main() -> None:
    """Write the examples of requests, answers and parameters."""
    witness = Witness()
    await witness.take(m.card(), m.delegation(), LISTED, ASKED, m.quote(ASKED, LISTED))
    await witness.take(m.invite(LISTED), m.offer(TALK, m.SELLER))
    upload = Upload(TALK.id, ARTIFACT)
    await witness.services.artifacts.put(upload, m.BUYER.address, DATA)
    transport = httpx.ASGITransport(witness.app(origin=ORIGIN))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        told = await ask(client)
    TARGET.write_text(json.dumps(told, indent=1) + "\n")


async def ask(client: httpx.AsyncClient) -> dict[str, Any]:
    """Every route that answers with a body, and every body that a route takes."""
    nonce = (await client.get("/v1/login")).json()["nonce"]
    log_in = typed_request(login(nonce, origin=Origin.parse(ORIGIN).digest, scope=31))
    granted = (await client.post("/v1/token", json=log_in)).json()
    headers = {"authorization": f"Bearer {granted['access_token']}"}
    wanted = {"url": "https://agent.example/parley"}
    made = (await client.post("/v1/webhooks", json=wanted, headers=headers)).json()
    rotate = f"/v1/webhooks/{made['id']}/rotate-secret"
    rotated = (await client.post(rotate, headers=headers)).json()
    answers = {name: (await client.get(p, headers=headers)).json() for name, p in PATHS.items()}
    note = (await client.get("/checkpoint")).text
    receipt = (await client.post("/v1/messages", json=LISTED.to_json())).json()
    handed = (await client.post("/v1/transcripts", json=HELD, headers=headers)).json()
    return {
        "requests": {
            "submitMessage": LISTED.to_json(),
            "handIn": HELD,
            "logIn": log_in,
            "createWebhook": wanted,
        },
        "answers": {
            **answers,
            "submitMessage": receipt,
            "logIn": granted,
            "createWebhook": made,
            "readCheckpoint": note,
            "listDeadLetters": LETTERS,
            "handIn": handed,
            "rotateWebhookSecret": rotated,
        },
        "parameters": {**PARAMETERS, "webhook": made["id"]},
    }


if __name__ == "__main__":
    asyncio.run(main())
