"""Mutual TLS as docs/api.md has it: who brings no certificate of the house gets no answer."""

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

# What is served does not matter: the handshake comes before any of it.
SERVED = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": scope["scheme"].encode()})
"""
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Served:
    """A server that asks for certificates, and the two authorities of its house."""

    url: str
    servers: trustme.CA
    members: trustme.CA

    def trusting(self, *certificates: trustme.LeafCert) -> ssl.SSLContext:
        """A client's context: it trusts the server's authority and brings certificates."""
        context = ssl.create_default_context()
        self.servers.configure_trust(context)
        for one in certificates:
            one.configure_cert(context)
        return context


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("tls")
    servers, members = trustme.CA(), trustme.CA()
    own = servers.issue_cert("127.0.0.1")
    own.private_key_pem.write_to_path(folder / "server.key")
    for blob in own.cert_chain_pems:
        blob.write_to_path(folder / "server.crt", append=True)
    members.cert_pem.write_to_path(folder / "members.crt")
    (folder / "served.py").write_text(SERVED)
    port = free_port()
    options = {
        "--port": str(port),
        "--ssl-certfile": "server.crt",
        "--ssl-keyfile": "server.key",
        "--ssl-ca-certs": "members.crt",
        "--ssl-cert-reqs": "2",
    }
    words = [word for option in options.items() for word in option]
    command = [sys.executable, "-m", "uvicorn", "served:app", "--lifespan", "off", *words]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as server:
        try:
            one = Served(f"https://127.0.0.1:{port}", servers, members)
            wait_for(port)
            yield one
        finally:
            server.terminate()


def wait_for(port: int) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server does not listen")


def asked(served: Served, *certificates: trustme.LeafCert) -> httpx.Response:
    with httpx.Client(verify=served.trusting(*certificates)) as client:
        return client.get(served.url)


def test_a_member_s_certificate_gets_an_answer(served: Served):
    answer = asked(served, served.members.issue_cert("agent@house.example"))
    assert (answer.status_code, answer.text) == (200, "https")


def test_no_certificate_gets_none(served: Served):
    with pytest.raises(httpx.TransportError):
        asked(served)


def test_a_certificate_of_another_authority_gets_none(served: Served):
    for other in (trustme.CA(), served.servers):
        with pytest.raises(httpx.TransportError):
            asked(served, other.issue_cert("agent@house.example"))


def test_a_server_of_another_authority_is_not_spoken_to(served: Served):
    context = ssl.create_default_context()
    served.members.issue_cert("agent@house.example").configure_cert(context)
    with httpx.Client(verify=context) as client, pytest.raises(httpx.ConnectError):
        client.get(served.url)


def test_plain_http_gets_no_answer(served: Served):
    with httpx.Client() as client, pytest.raises(httpx.TransportError):
        client.get(served.url.replace("https", "http"))


def test_the_page_names_the_options_that_are_tested_here():
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    for option in ("--ssl-certfile", "--ssl-keyfile", "--ssl-ca-certs", "--ssl-cert-reqs 2"):
        assert option in page
