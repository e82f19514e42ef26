"""A registry's log before foreign judges: what it serves, and the receipts that it gave."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.to_thread import run_sync
from judges import Case, Verdict, accepted, go, sigstore
from market import content, listing
from postgres_server import Server
from served import serving
from witness import LOG_KEY, Witness

from marketplace.adapters.memory.store import MemoryStore
from marketplace.adapters.sql.store import open_store
from marketplace.bootstrap import Stores

pytestmark = pytest.mark.anyio

VKEY = str(LOG_KEY.name.verifier)
# Over a tile, so that there is a level above it; the last bundle is not full.
SIZE = 261


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "sqlite":
        async with open_store(tmp_path / "registry.sqlite") as durable:
            yield durable
    else:
        server = await run_sync(Server)
        async with open_store(await server.emptied()) as durable:
            yield durable
        await run_sync(server.close)


async def asked(*cases: Case) -> list[Verdict]:
    """What Go says, while the registry goes on serving."""
    return await run_sync(go, cases)


async def published(client: httpx.AsyncClient, number: int) -> dict[str, Any]:
    """The receipt of one more listing."""
    said = listing(what=content(title=f"Hours of machine {number}")).to_json()
    answer = await client.post("/v1/messages", json=said)
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def plain(told: str) -> str:
    """Hex as the judges take it."""
    return told.removeprefix("0x")


def included(receipt: dict[str, Any]) -> Case:
    """What a receipt claims."""
    log = receipt["log"]
    return {
        "check": "inclusion",
        "record": log["leaf"].encode().hex(),
        "index": receipt["index"],
        "size": log["size"],
        "root": plain(log["root"]),
        "proof": [plain(element) for element in log["proof"]],
    }


async def test_log_that_a_registry_serves_is_read_whole_by_go(store: Stores):
    async with (
        serving(Witness(store)) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=60) as client,
    ):
        assert (await client.get("/v1")).json()["log"]["vkey"] == VKEY
        base = {"base": f"http://{host}:{port}", "vkey": VKEY}
        (empty,) = await asked({"check": "log", **base})
        assert (empty["ok"], empty["size"]) == (True, 0)
        receipts = [await published(client, number) for number in range(SIZE)]
        note = (await client.get("/checkpoint")).text
        (read,) = await asked({"check": "log", **base})
        assert read["ok"], read["why"]
        assert (read["size"], read["entries"], read["tiles"]) == (SIZE, SIZE, 3)
        proofs = await asked(
            *(
                {"check": "prove", **base, "index": r["index"], "old_size": r["log"]["size"]}
                for r in receipts[::13]
            )
        )
    assert [receipt["index"] for receipt in receipts] == list(range(SIZE))
    assert all(accepted(await asked(*map(included, receipts))))
    # Each receipt's own checkpoint is one that the log of today began with.
    grown = [
        {
            "check": "consistency",
            "old_size": receipt["log"]["size"],
            "old_root": plain(receipt["log"]["root"]),
            "size": read["size"],
            "root": read["root"],
            "proof": proof.get("consistency", []),
        }
        for receipt, proof in zip(receipts[::13], proofs, strict=True)
    ]
    assert all(accepted(await asked(*grown)))
    # And each entry is in it by proofs that Go made, which Sigstore checks.
    signed = [
        {
            "record": included(receipt)["record"],
            "index": str(receipt["index"]),
            "proof": proof["inclusion"],
            "note": note,
            "vkey": VKEY,
        }
        for receipt, proof in zip(receipts[::13], proofs, strict=True)
    ]
    assert all(accepted(await run_sync(sigstore, signed)))


async def test_receipt_with_anything_else_in_it_is_refused_by_go():
    async with (
        serving(Witness()) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=60) as client,
    ):
        receipt = [await published(client, number) for number in range(7)][-1]
    case = included(receipt)
    wrong = [
        {**case, "record": case["record"][:-2] + "00"},
        {**case, "index": case["index"] - 1},
        {**case, "root": case["proof"][0]},
        {**case, "proof": case["proof"][::-1]},
    ]
    assert accepted(await asked(case, *wrong)) == [True, False, False, False, False]


async def test_registry_that_shows_another_history_is_caught_by_go():
    one, other = Witness(), Witness()
    async with (
        serving(one) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=60) as client,
    ):
        receipts = [await published(client, number) for number in range(5)]
    async with (
        serving(other) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=60) as client,
    ):
        for number in range(6):
            await published(client, number)
        base = {"base": f"http://{host}:{port}", "vkey": VKEY}
        read, *proofs = await asked(
            {"check": "log", **base},
            *({"check": "prove", **base, "index": 0, "old_size": n + 1} for n in range(5)),
        )
    # The same words logged again are another log, of which nothing is wrong but that.
    assert read["ok"]
    verdicts = await asked(
        *(
            {
                "check": "consistency",
                "old_size": receipt["log"]["size"],
                "old_root": plain(receipt["log"]["root"]),
                "size": read["size"],
                "root": read["root"],
                "proof": proof["consistency"],
            }
            for receipt, proof in zip(receipts, proofs, strict=True)
        )
    )
    assert accepted(verdicts) == [False] * 5
