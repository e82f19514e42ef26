"""A buyer that runs none of our code: Foundry's cast signs, a plain HTTP client speaks.

Only the seller and the auditor are Parley's. What the foreign buyer signs is the typed
data as any wallet shows it, and the deal it opens is one that the auditor accepts.
"""

import json
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from parley_commands import devnet

from agents import compute, strategies
from agents.negotiator import Negotiator
from marketplace.core.eip712 import Domain, typed_data
from marketplace.core.outcome import Subject
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_DIGEST
from marketplace.core.words import Invitation
from marketplace.sdk import Devnet, Limits, Wallet, audit_market

ROOT = Path(__file__).parents[2]
CAST = next(iter(ROOT.glob("node_modules/@foundry-rs/cast-*/bin/cast")), Path("cast"))

pytestmark = pytest.mark.node


class CastBuyer:
    """Signs and sends with cast; knows the registry by its HTTP routes alone."""

    def __init__(self, net: Devnet) -> None:
        self.net, self.address = net, Wallet.load(net.keys["buyer"]).address
        self._key = Path(net.keys["buyer"]).read_text().strip()
        self.http = httpx.Client(base_url=net.registry)
        info = self.http.get("/v1").json()
        self.separator = info["domain_separator"]
        self.domain = Domain(info["domain"]["chainId"], info["domain"]["verifyingContract"])

    def sign(self, document: dict[str, object]) -> str:
        """`cast wallet sign` over a typed-data document; the key is of a throw-away chain."""
        words = ["wallet", "sign", "--private-key", self._key, "--data", json.dumps(document)]
        return self._cast(*words).strip()

    def send(self, *words: str) -> None:
        """`cast send`, mined and successful."""
        common = ["--rpc-url", self.net.rpc, "--private-key", self._key, "--json"]
        told = json.loads(self._cast("send", *common, *words))
        assert int(told["status"], 16) == 1

    def say(self, **members: object) -> httpx.Response:
        """POST an envelope."""
        envelope = {"version": "2", "domain": self.separator, "signer": self.address, **members}
        return self.http.post("/v1/messages", json=envelope)

    def _cast(self, *words: str) -> str:
        told = subprocess.run([CAST, *words], capture_output=True, text=True, check=True)
        return told.stdout


@pytest.fixture
def net(tmp_path):
    with devnet(tmp_path, "--chain", "embedded") as described:
        yield Devnet(**described)


@pytest.fixture
def selling(net):
    """A seller of ours that takes one invitation and negotiates to the end."""
    published = threading.Event()

    def sell() -> None:
        with net.client("seller", Limits(net.token, 1_000, lowest_unit_price=12)) as client:
            client.publish(compute.listing(net.token))
            published.set()
            talk = next(client.invitations())
            good = compute.Compute.of("sha256", b"")
            Negotiator(talk, strategies.seller(talk.content), good).run()

    seller = threading.Thread(target=sell, daemon=True)
    seller.start()
    assert published.wait(20)
    yield
    seller.join(20)


def invite(buyer: CastBuyer) -> str:
    listing = buyer.http.get("/v1/listings").json()["listings"][0]["message"]
    invitation = Invitation(
        buyer=buyer.address,
        seller=listing["signer"],
        listing=listing["digest"],
        buyer_nonce=1,
        buyer_epoch=0,
        deadline=buyer.http.get("/v1").json()["now"] + 60,
        max_rounds=4,
        min_improvement=1,
        request=ZERO_DIGEST,
        salt=ZERO_DIGEST,
    )
    document = typed_data(invitation, buyer.domain)
    digest = invitation.digest(buyer.domain)
    members = {"kind": "invitation", "negotiation": digest, "digest": digest}
    said = buyer.say(**members, message=document["message"], signature=buyer.sign(document))
    assert said.status_code == 201, said.text
    return digest


def sellers_offer(buyer: CastBuyer, negotiation: str) -> dict[str, object]:
    for _ in range(100):
        read = buyer.http.get(f"/v1/negotiations/{negotiation}/messages").json()["messages"]
        if len(read) > 1:
            return read[1]["message"]
        time.sleep(0.05)
    pytest.fail("the seller made no offer")


@pytest.fixture
def buyer(net):
    one = CastBuyer(net)
    yield one
    one.http.close()


@pytest.mark.usefixtures("selling")
def test_a_foreign_wallet_and_client_buy_and_the_auditor_accepts_the_deal(net, buyer):
    negotiation = invite(buyer)
    offer = sellers_offer(buyer, negotiation)
    terms = Terms.from_message(offer["message"])
    subject = Subject.from_json(offer["detail"])
    assert terms.subject == subject.digest
    members = {"kind": "acceptance", "negotiation": negotiation, "digest": offer["digest"]}
    elsewhere = replace(buyer.domain, chain_id=1)
    replayed = buyer.say(**members, signature=buyer.sign(typed_data(terms, elsewhere)))
    assert replayed.status_code == 403
    assert replayed.json()["code"] == "WrongSigner"
    signature = buyer.sign(typed_data(terms, buyer.domain))
    accepted = buyer.say(**members, signature=signature)
    assert accepted.status_code == 201, accepted.text
    buyer.send(net.token, "approve(address,uint256)", net.escrow, str(terms.price))
    fields = ",".join(str(getattr(terms, field.name)) for field in Terms.FIELDS)
    types = ",".join(field.type for field in Terms.FIELDS)
    opening = f"({fields}),{signature},{offer['signature']},0x,0x"
    buyer.send(net.escrow, f"open((({types}),bytes,bytes,bytes,bytes))", f"({opening})")
    report = audit_market(net.rpc, net.registry)
    assert (report.findings, report.unopened, report.unlogged) == ([], [], [])
    assert report.checked["deals"] == 1
