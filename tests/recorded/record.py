"""Record the traffic of release 0.1.0, with the states that its own code comes to.

It runs on that release's code, not on this tree's: see README.md beside it. The log of its
demo comes first, then what strangers and parties of its tests say at random.
"""

import asyncio
import gzip
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import market
from market import BUYER, NOW, SELLER, STRANGER, content, invite, listing, offer, subject, word

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.sql.sqlite import SqliteStore
from marketplace.bootstrap import build_services
from marketplace.core.eip712 import Domain
from marketplace.core.errors import ParleyError
from marketplace.core.merkle import root_hash
from marketplace.core.negotiation import as_of

HERE = Path(__file__).parent
CHAIN_ID = 31337  # of the embedded chain
TALKS = 40
TURNS = {BUYER.address: BUYER, SELLER.address: SELLER}


@dataclass
class SetClock:
    """The time that the recording says it is."""

    at: int = NOW

    def now(self) -> int:
        """Integer seconds UTC."""
        return self.at


def words_after(on, chance: random.Random, at: int) -> Iterator[object]:
    """What somebody might say next: mostly good, mostly in turn."""
    by = TURNS[on.turn] if chance.random() < 0.85 else chance.choice([BUYER, SELLER, STRANGER])
    about = subject(on, unit_price=chance.randint(5, 1005), quantity=chance.choice([10, 10, 11]))
    yield offer(on, by, about, open_by=at + chance.randint(-5, 900))
    yield offer(on, by, about, previous=word("another")) if chance.random() < 0.5 else None
    if on.offers and chance.random() < 0.25:
        say = chance.choice([market.accept, market.accept, market.reject, market.withdraw])
        yield say(on, by)


async def talk(services, clock: SetClock, chance: random.Random, begun: object) -> None:
    """One negotiation, until its parties tire of it or its deadline passes."""
    await services.messages.submit(begun.to_json(market.DOMAIN))
    for _ in range(chance.randint(1, 12)):
        clock.at += chance.randint(0, 90)
        on, _ = await services.negotiations.replay(begun.digest)
        for message in words_after(on, chance, clock.at):
            try:
                if message is not None:
                    await services.messages.submit(message.to_json(market.DOMAIN))
            except ParleyError:
                continue


async def strangers(services, clock: SetClock) -> None:
    """Listings, one replacing another, and talks on each."""
    chance = random.Random(20_261_127)  # noqa: S311 a stated seed, no secret
    listed = listing(expires_at=NOW + 86_400_000)
    await services.messages.submit(listed.to_json(market.DOMAIN))
    for number in range(TALKS):
        if number % 8 == 7:
            what = content(title=f"Hours of machine {number}", attributes={"number": str(number)})
            listed = listing(what=what, replaces=listed.digest, expires_at=NOW + 86_400_000)
            await services.messages.submit(listed.to_json(market.DOMAIN))
        begun = invite(
            listed,
            buyer_nonce=number + 1,
            deadline=clock.at + 600,
            max_rounds=chance.randint(1, 8),
            salt=word(f"salt {number}"),
        )
        await talk(services, clock, chance, begun)


def state(on, at: int) -> dict[str, object]:
    """What 0.1.0 makes of a negotiation."""
    agreed = on.agreement
    return {
        "id": on.id,
        "state": on.state.value,
        "read_as": as_of(on, at).value,
        "turn": on.turn,
        "head": on.head,
        "length": on.length,
        "last_open_by": on.last_open_by,
        "offers": [[each.signer, each.digest, each.signature] for each in on.offers],
        "agreement": agreed
        and {
            "digest": agreed.digest,
            "terms": agreed.terms.to_message(),
            "subject": agreed.subject.to_json(),
            "buyer_signature": agreed.buyer_signature,
            "seller_signature": agreed.seller_signature,
        },
    }


async def record(demo: Path) -> None:
    """Write both files from the directory of a demo that has ended."""
    escrow = json.loads((demo / "devnet.json").read_text())["escrow"]
    market.DOMAIN = Domain(CHAIN_ID, escrow)
    store, clock = SqliteStore(demo / "registry.sqlite"), SetClock()
    services = build_services(market.DOMAIN, store, MemoryBus(), clock)
    await strangers(services, clock)
    entries = await store.entries(0, 1_000_000)
    begun = [entry.record.thread for entry in entries if entry.record.kind == "invitation"]
    states = [state((await services.negotiations.replay(one))[0], clock.at) for one in begun]
    facts = {
        "chain_id": CHAIN_ID,
        "escrow": escrow,
        "entries": len(entries),
        "root": "0x" + root_hash(await store.leaves()).hex(),
        "at": clock.at,
        "negotiations": states,
    }
    lines = b"".join(entry.record.data + b"\n" for entry in entries)
    (HERE / "0.1.0.jsonl.gz").write_bytes(gzip.compress(lines, mtime=0))
    (HERE / "0.1.0.json").write_text(json.dumps(facts, indent=1) + "\n")
    store.close()


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1])))
