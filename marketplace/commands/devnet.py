"""``parley devnet``: chain, contracts, keys and registry on loopback."""

import json
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from marketplace.commands.terminal import Json, errors
from marketplace.devnet import devnet as start_devnet
from marketplace.settings import Chain, DevnetSettings


def devnet(
    directory: Annotated[Path, typer.Option("--dir", help="Keys, database, devnet.json.")] = Path(
        ".parley/devnet"
    ),
    chain: Annotated[Chain, typer.Option(help="auto takes Anvil where it is found.")] = "auto",
    port: Annotated[int, typer.Option(help="The registry's TCP port; 0 takes a free one.")] = 0,
    party: Annotated[list[str] | None, typer.Option(help="A wallet to make and fund.")] = None,
    with_parent: Annotated[bool, typer.Option(help="End when standard input closes.")] = False,
    as_json: Json = False,
) -> None:
    """Run a chain with our contracts, funded keys and a registry, on loopback."""
    # An ordinary exit, so that the chain's process ends with this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parties = tuple(party or ("buyer", "seller"))
    settings = DevnetSettings(directory, chain, port, parties)
    with start_devnet(settings) as (network, server, bound):
        if with_parent:
            threading.Thread(target=_stop_at_eof, args=[server], daemon=True).start()
        if as_json:
            typer.echo(json.dumps(asdict(network)))
        else:
            errors.print(f"chain     {network.rpc} ({network.chain})")
            errors.print(f"registry  {network.registry} (its routes: /openapi.json)")
            errors.print(f"escrow    {network.escrow}\ntoken     {network.token}")
            for name, path in network.keys.items():
                errors.print(f"key       {name}: {path}", soft_wrap=True)
            command = f"{sys.argv[0]} audit --rpc {network.rpc} --log {network.registry}"
            command += f" --state {directory}/audit"
            errors.print(f"audit     {command}", soft_wrap=True)
            errors.print(f"described in {directory}/devnet.json; Ctrl-C ends it")
        server.run(sockets=[bound])


def _stop_at_eof(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True
