"""Anvil, Foundry's development node, as a child process.

The native binary is started itself: the npm package's Node wrapper would stand between us and
the process that has to end.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PACKAGES = "node_modules/@foundry-rs/anvil-*/bin/anvil"
_START_TIMEOUT = 15  # seconds
_STOP_TIMEOUT = 5  # seconds
_ATTEMPTS = 5


class AnvilMissingError(RuntimeError):
    """There is no Anvil binary here."""

    def __init__(self, looked: list[str]) -> None:
        places = "; ".join(looked)
        super().__init__(
            f"no Anvil binary; looked at {places}. Run `npm ci`, or install Foundry, or set "
            "PARLEY_ANVIL to the binary, or use the embedded chain."
        )


class AnvilFailedError(RuntimeError):
    """Anvil ended, or did not answer in time; carries what it said."""


@dataclass(frozen=True, slots=True)
class Anvil:
    """A running Anvil."""

    url: str
    process: subprocess.Popen[bytes]

    def close(self) -> None:
        """End the process, by force if it does not go, and wait until it has."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def find_anvil(environ: Mapping[str, str], root: Path) -> Path:
    """The native Anvil binary.

    Args:
        environ: environment; PARLEY_ANVIL decides alone where it is set.
        root: directory whose node_modules is searched.

    Raises:
        AnvilMissingError: nowhere an executable that is not a script.
    """
    if chosen := environ.get("PARLEY_ANVIL"):
        looked, found = [f"PARLEY_ANVIL={chosen}"], [Path(chosen)]
    else:
        looked = ["PATH", str(root / _PACKAGES)]
        on_path = shutil.which("anvil", path=environ.get("PATH", ""))
        found = [Path(on_path)] if on_path else []
        found += sorted(root.glob(_PACKAGES))
    for candidate in found:
        if _is_native(candidate):
            return candidate
    raise AnvilMissingError(looked)


def start_anvil(binary: Path, port: int, chain_id: int, mnemonic: str) -> Anvil:
    """Start Anvil on 127.0.0.1 and wait until it answers.

    Args:
        binary: from `find_anvil`.
        port: TCP port, 0 for a free one.
        chain_id: EIP-155 chain id.
        mnemonic: BIP-39 words from which the funded keys come.

    Raises:
        AnvilFailedError: it ended or stayed silent, for instance since the port is taken.
    """
    options = ["--host", "127.0.0.1", "--chain-id", str(chain_id), "--mnemonic", mnemonic]
    # The hardfork is the embedded chain's. No CORS: a web page has no business here.
    command = [str(binary), *options, "--hardfork", "prague", "--no-cors", "--quiet"]
    failure = ""
    for candidate in _ports(port):
        with tempfile.TemporaryFile() as said:
            process = _spawn([*command, "--port", str(candidate)], said)
            anvil = Anvil(f"http://127.0.0.1:{candidate}", process)
            if _answers(anvil, candidate):
                return anvil
            anvil.close()
            said.seek(0)
            failure = said.read().decode(errors="replace").strip()
    raise AnvilFailedError(
        f"{binary} did not come up on port {port}: {failure or 'it said nothing'}. "
        "Choose a free port, or 0 to have one chosen."
    )


def _is_native(path: Path) -> bool:
    """Whether this is an executable that does not begin with a shebang."""
    if not (path.is_file() and os.access(path, os.X_OK)):
        return False
    with path.open("rb") as file:
        return file.read(2) != b"#!"


def _spawn(command: list[str], said: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 -- a list without a shell; the binary is the user's own
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
    )


def _ports(port: int) -> Iterator[int]:
    """The port asked for; or a few free ones, since one may be gone again once Anvil binds it."""
    if port:
        yield port
        return
    for _ in range(_ATTEMPTS):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = int(probe.getsockname()[1])
        yield free


def _answers(anvil: Anvil, port: int) -> bool:
    """Wait for the first answer; False once the process has ended or time is up."""
    deadline = time.monotonic() + _START_TIMEOUT
    while anvil.process.poll() is None and time.monotonic() < deadline:
        if _ask(port):
            # A stranger on that port would answer too, while Anvil ends for want of it.
            return anvil.process.poll() is None
        time.sleep(0.02)
    return False


def _ask(port: int) -> bool:
    request = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    headers = {"Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("POST", "/", json.dumps(request), headers)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
