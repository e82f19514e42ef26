"""A login as the page has it: a shell, curl and Foundry's cast, none of our code."""

import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from market import BUYER, DOMAIN
from visitor import House

from marketplace.adapters.system import SystemClock
from marketplace.api.auth import add_logins, require
from marketplace.api.refusals import refuse_by_name
from marketplace.core.identity import Scope
from marketplace.core.login import Caller, Origin, Site
from marketplace.sdk.login import RegistryLogin

ROOT = Path(__file__).parents[2]
CAST = next(iter(ROOT.glob("node_modules/@foundry-rs/cast-*/bin/cast")), Path("cast"))
PAGE = (ROOT / "docs" / "api.md").read_text()


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        app = FastAPI()
        refuse_by_name(app)
        add_logins(app, House(Site(Origin.parse(url), DOMAIN)).logins, SystemClock())

        @app.get("/mine")
        async def mine(caller: Annotated[Caller, require(Scope.READ)]) -> str:
            return caller.account

        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield url
        server.should_exit = True
        thread.join()


def run_page(registry: str, spoiled: tuple[str, str] = ("", "")) -> dict[str, object]:
    """What the page's script prints, its text changed in one place."""
    section = PAGE.split("\n## Login\n")[1]
    found = re.search(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert found
    assert spoiled[0] in found[1]
    env = {
        **os.environ,
        "PATH": f"{CAST.parent}:{os.environ['PATH']}",
        "REGISTRY": registry,
        "KEY": "0x" + BUYER.key.hex(),
    }
    script = found[1].replace(*spoiled) if spoiled[0] else found[1]
    ended = subprocess.run(
        ["sh", "-euc", script], env=env, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    told: dict[str, object] = json.loads(ended.stdout)
    return told


@pytest.mark.node
def test_the_script_of_the_page_logs_in(registry: str):
    told = run_page(registry)
    assert told["scope"] == "read"
    headers = {"authorization": f"Bearer {told['access_token']}"}
    assert httpx.get(f"{registry}/mine", headers=headers).json() == BUYER.address


@pytest.mark.node
@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        (("URI: $(said origin)", "URI: https://elsewhere.example"), "OriginWrong"),
        (("Version: 1", "Version: 2"), "ValueMalformed"),
        (("+ 3600", "- 1"), "LoginRefused"),
        (("scope:read", "scope:everything"), "LoginRefused"),
    ],
)
def test_the_script_with_another_text_does_not(registry: str, spoiled: tuple[str, str], code: str):
    assert run_page(registry, spoiled)["code"] == code


def test_the_client_of_the_sdk_logs_in_over_a_socket(registry: str):
    auth = RegistryLogin(registry, DOMAIN, BUYER)
    with httpx.Client(base_url=registry, auth=auth) as client:
        assert client.get("/mine").json() == client.get("/mine").json() == BUYER.address
