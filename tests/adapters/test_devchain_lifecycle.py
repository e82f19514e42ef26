"""How development chains start, are found, and leave nothing behind."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from devchain_client import Client

from marketplace.adapters.evm.anvil import (
    Anvil,
    AnvilFailedError,
    AnvilMissingError,
    find_anvil,
    start_anvil,
)
from marketplace.adapters.evm.devchain import DevChain, EmbeddedChainMissingError, start_chain


def is_open(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port)) == 0


def executable(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_close_frees_the_port_even_with_a_client_connected(devchain: DevChain) -> None:
    client = Client(devchain)
    assert client.w3.eth.chain_id == 31337
    devchain.close()
    assert not is_open(devchain.rpc_url)
    assert not client.w3.is_connected()
    devchain.close()


@pytest.mark.parametrize("kind", ["embedded", pytest.param("anvil", marks=pytest.mark.node)])
def test_chain_ends_when_its_block_raises(kind: str) -> None:
    chain = start_chain(kind)
    assert is_open(chain.rpc_url)
    with pytest.raises(KeyError), chain:
        raise KeyError
    assert not is_open(chain.rpc_url)


@pytest.mark.parametrize("kind", ["embedded", pytest.param("anvil", marks=pytest.mark.node)])
def test_forgotten_chain_ends_with_the_interpreter(kind: str, tmp_path: Path) -> None:
    script = tmp_path / "forgets.py"
    script.write_text(
        "from marketplace.adapters.evm.devchain import start_chain\n"
        f"chain = start_chain({kind!r})\n"
        "print(chain.rpc_url, flush=True)\n"
        "raise SystemExit(3)\n"
    )
    environ = os.environ | {"PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run(
        [sys.executable, script], env=environ, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (3, "")
    assert not is_open(ended.stdout.strip())


def test_chain_writes_nothing_to_the_console(
    devchain: DevChain, capfd: pytest.CaptureFixture[str]
) -> None:
    Client(devchain).send(to="0x" + "00" * 19 + "99", value=1)
    devchain.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["embedded", pytest.param("anvil", marks=pytest.mark.node)])
def test_chosen_port_is_used_and_a_taken_one_is_an_error(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises((OSError, AnvilFailedError), match=r"in use|port"):
            start_chain(kind, port)
    with start_chain(kind, port) as chain:
        assert chain.rpc_url == f"http://127.0.0.1:{port}"
        assert Client(chain).w3.eth.chain_id == 31337


@pytest.mark.node
def test_auto_prefers_anvil(devchain: DevChain) -> None:
    with start_chain("auto") as chain:
        assert chain.kind == "anvil"
        assert devchain.rpc_url != chain.rpc_url


def test_auto_is_embedded_where_there_is_no_anvil(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("PARLEY_ANVIL", raising=False)
    with start_chain("auto") as chain:
        assert chain.kind == "embedded"
    with pytest.raises(AnvilMissingError, match=r"PATH.*node_modules.*npm ci.*PARLEY_ANVIL"):
        start_chain("anvil")


def test_wrong_parley_anvil_is_an_error_and_not_a_reason_to_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PARLEY_ANVIL", "/nowhere/anvil")
    with pytest.raises(AnvilMissingError, match="PARLEY_ANVIL=/nowhere/anvil"):
        start_chain("auto")


def test_path_comes_before_node_modules_but_a_script_is_no_binary(tmp_path: Path) -> None:
    package = "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    packaged = executable(tmp_path / package, b"\x7fELF")
    wrapper = executable(tmp_path / "bin/anvil", b"#!/usr/bin/env node\n")
    environ = {"PATH": str(wrapper.parent)}
    assert find_anvil(environ, tmp_path) == packaged
    native = executable(wrapper, b"\x7fELF")
    assert find_anvil(environ, tmp_path) == native
    assert find_anvil({"PARLEY_ANVIL": str(packaged)} | environ, tmp_path) == packaged


def test_binary_that_ends_at_once_is_reported_with_its_words(tmp_path: Path) -> None:
    broken = executable(tmp_path / "anvil", b"#!/bin/sh\necho out of luck >&2\nexit 1\n")
    with pytest.raises(AnvilFailedError, match="out of luck"):
        start_anvil(broken, 0, 31337, "test")


def test_anvil_that_ignores_the_polite_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.adapters.evm.anvil._STOP_TIMEOUT", 0.1)
    stubborn = "trap '' TERM; echo ready; while :; do sleep 0.01; done"
    with subprocess.Popen(["sh", "-c", stubborn], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        Anvil("http://127.0.0.1:1", process).close()
        assert process.returncode == -signal.SIGKILL


def test_missing_py_evm_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "marketplace.adapters.evm.embedded.node", None)
    with pytest.raises(EmbeddedChainMissingError, match=r"parley\[embedded\]"):
        start_chain("embedded")


@pytest.mark.node
def test_foundry_cast_works_against_the_chain(devchain: DevChain) -> None:
    (cast,) = Path.cwd().glob("node_modules/@foundry-rs/cast-*/bin/cast")
    target = "0x" + "00" * 19 + "99"

    def run(*arguments: str) -> str:
        command = [cast, *arguments, "--rpc-url", devchain.rpc_url]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert run("chain-id") == "31337"
    sent = run("send", target, "--value", "5", "--private-key", devchain.keys[0].hex(), "--async")
    assert "1 (success)" in run("receipt", sent)
    assert run("balance", target) == "5"
    assert run("block-number") == "1"
    assert "(success)" in run(
        "send", target, "--value", "5", "--private-key", devchain.keys[1].hex()
    )
