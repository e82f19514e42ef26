"""The way out, against receivers, name servers and redirects that want to get in."""

import asyncio
import ipaddress
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from receivers import HERE, INSIDE, LOOPBACK, receiver, status

from marketplace.adapters.http.poster import MOST_REDIRECTS, Poster
from marketplace.core.destination import Reach
from marketplace.core.errors import ReceiverUnavailable, WebhookRefused

pytestmark = pytest.mark.anyio

ENDLESS = 1 << 40


def names(*answers: list[str]):
    """A name server that gives these answers in turn, the last of them for ever."""
    asked = []

    async def find(host: str, _: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return find, asked


@asynccontextmanager
async def posting(**options: object) -> AsyncIterator[Callable]:
    made = Poster(options.pop("reach", LOOPBACK), **options)
    try:
        yield lambda url: made.post(url, {"webhook-id": "one"}, b'{"a":1}')
    finally:
        await made.close()


async def test_a_call_arrives_whole_under_the_name_that_was_called():
    find, _ = names([HERE])
    async with posting(find=find) as post:
        with receiver() as one:
            reply = await post(f"http://agent.example:{one.port}/hook?a=b")
    assert reply.status == 204
    (call,) = one.calls
    assert (call.path, call.body) == ("/hook?a=b", b'{"a":1}')
    assert call.headers["host"] == f"agent.example:{one.port}"
    assert call.headers["webhook-id"] == "one"


async def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    find, asked = names([HERE], [INSIDE])
    resolved = []
    real = socket.getaddrinfo

    def watched(host: str, *rest: object, **more: object) -> list:
        resolved.append(host)
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    async with posting(find=find) as post:
        with receiver() as one, receiver(INSIDE, one.port) as two:
            await post(f"http://rebinding.example:{one.port}/")
    assert (len(one.calls), two.calls, asked) == (1, [], ["rebinding.example"])
    assert all(ipaddress.ip_address(host) for host in resolved)


@pytest.mark.parametrize("found", [[INSIDE], [HERE, INSIDE], [INSIDE, HERE], [HERE] * 9 + [INSIDE]])
async def test_one_address_that_is_not_permitted_is_one_too_many(found):
    find, _ = names(found)
    async with posting(find=find) as post:
        refused = pytest.raises(WebhookRefused)
        with receiver() as one, receiver(INSIDE, one.port) as two, refused as raised:
            await post(f"http://mixed.example:{one.port}/")
    assert one.calls == two.calls == []
    assert INSIDE not in str(raised.value)


async def test_the_machine_s_own_names_and_addresses_are_not_public():
    async with posting(reach=Reach(plain=True)) as post:
        with receiver() as one:
            for host in ("localhost", HERE, "[::1]", "[::ffff:127.0.0.1]", "127.1"):
                with pytest.raises(WebhookRefused):
                    await post(f"http://{host}:{one.port}/")
    assert one.calls == []


async def test_a_second_address_serves_where_the_first_does_not_connect():
    find, _ = names(["127.0.0.3", HERE])
    reach = Reach(plain=True, permits=lambda address: address != INSIDE)
    async with posting(find=find, reach=reach) as post:
        with receiver() as one:
            assert (await post(f"http://agent.example:{one.port}/")).status == 204


async def test_a_host_without_an_address_is_unavailable():
    find, _ = names([])
    async with posting(find=find) as post:
        with pytest.raises(ReceiverUnavailable):
            await post("http://agent.example/")


@pytest.mark.parametrize("code", [307, 308])
async def test_a_redirect_is_followed_with_method_and_body(code):
    async with posting() as post:
        with receiver() as one, receiver() as two:
            one.answers.append(status(code, ("location", two.url), ("set-cookie", "a=b")))
            assert (await post(one.url)).status == 204
    assert two.calls[0].body == one.calls[0].body
    assert two.calls[0].headers["host"] == f"{HERE}:{two.port}"
    assert "cookie" not in two.calls[0].headers


@pytest.mark.parametrize("code", [300, 301, 302, 303, 304])
async def test_a_redirect_that_loses_the_body_is_a_failure_and_not_followed(code):
    async with posting() as post:
        with receiver() as one, receiver() as two:
            one.answers.append(status(code, ("location", two.url)))
            assert (await post(one.url)).status == code
    assert two.calls == []


@pytest.mark.parametrize(
    "location",
    [
        f"http://{INSIDE}:{{port}}/",
        f"//{INSIDE}:{{port}}/",
        "http://inside.example:{port}/",
        "http://127.1:{port}/",
        "http://user@127.0.0.1:{port}/",
        "https://[::1]:{port}/",
        "http://[",
        "file:///etc/passwd",
        "/\x7f",
        "/ü",
    ],
)
async def test_a_redirect_is_judged_like_a_url_of_its_own(location):
    async def find(host, _):
        return [INSIDE] if host == "inside.example" else [host]

    async with posting(find=find) as post:
        with receiver() as one, receiver(INSIDE, one.port) as two:
            one.answers.append(status(307, ("location", location.format(port=two.port))))
            with pytest.raises(WebhookRefused):
                await post(one.url)
    assert (len(one.calls), two.calls) == (1, [])


async def test_redirects_come_to_an_end():
    async with posting() as post:
        with receiver() as one:
            one.answers += [status(307, ("location", "/again"))] * 20
            with pytest.raises(WebhookRefused, match="redirects"):
                await post(one.url)
            assert len(one.calls) == MOST_REDIRECTS + 1
            one.answers[:] = [status(307, ("location", "/again"))] * MOST_REDIRECTS
            assert (await post(one.url)).status == 204


async def test_no_proxy_of_the_environment_is_asked(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{INSIDE}:9/")
    async with posting() as post:
        with receiver() as one:
            assert (await post(one.url)).status == 204


async def test_no_cookie_is_kept():
    async with posting() as post:
        with receiver() as one:
            one.answers.append(status(200, ("set-cookie", "a=b")))
            await post(one.url)
            await post(one.url)
    assert "cookie" not in one.calls[1].headers


def drip(handler):
    for byte in b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 100:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


async def test_a_slow_answer_is_none_however_often_it_moves():
    async with posting(seconds=0.4) as post:
        with receiver() as one:
            one.answers.append(drip)
            began = time.monotonic()
            with pytest.raises(ReceiverUnavailable, match="no answer in"):
                await post(one.url)
    assert time.monotonic() - began < 3


async def test_slow_redirects_share_one_time():
    def slowly(handler):
        time.sleep(0.25)
        status(307, ("location", "/again"))(handler)

    async with posting(seconds=0.4) as post:
        with receiver() as one:
            one.answers += [slowly] * 4
            with pytest.raises(ReceiverUnavailable):
                await post(one.url)
    assert len(one.calls) < 4


async def test_slow_name_servers_leave_the_registry_s_own_threads_alone(monkeypatch):
    slow = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: slow.wait(5) and [])
    async with posting(seconds=0.2) as post, asyncio.timeout(3):
        calls = [post(f"http://agent{n}.example/") for n in range(40)]
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(one) for one in ended} == {ReceiverUnavailable}
        assert await asyncio.to_thread(lambda: "free") == "free"
        slow.set()


async def test_a_slow_name_server_is_no_answer_either():
    async def find(*_: object) -> list[str]:
        await asyncio.sleep(60)
        return [HERE]

    async with posting(find=find, seconds=0.2) as post:
        with pytest.raises(ReceiverUnavailable):
            await post("http://agent.example/")


async def test_of_a_huge_answer_only_the_beginning_is_read():
    written = []

    def flood(handler):
        handler.send_response_only(200)
        handler.send_header("content-length", str(ENDLESS))
        handler.end_headers()
        while True:
            written.append(handler.wfile.write(b"a" * 65536))

    async with posting() as post:
        with receiver() as one:
            one.answers.append(flood)
            assert (await post(one.url)).status == 200
            # What two sockets buffer is not read.
            await asyncio.sleep(0.2)
            assert sum(written) < 16 << 20


async def test_a_body_that_never_ends_holds_nobody_up():
    def stall(handler):
        status(200)(handler)
        handler.wfile.write(b"HTTP")
        time.sleep(30)

    def unfinished(handler):
        handler.send_response_only(200)
        handler.send_header("content-length", "100")
        handler.end_headers()
        time.sleep(30)

    async with posting() as post:
        with receiver() as one:
            one.answers += [stall, unfinished]
            began = time.monotonic()
            assert (await post(one.url)).status == 200
            assert (await post(one.url)).status == 200
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "spoken",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"\x00" * 100,
        b"HTTP/1.1 999999 What\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 300_000,
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_no_answer_and_is_not_quoted(spoken):
    async with posting() as post:
        with receiver() as one:
            one.answers.append(lambda handler: handler.wfile.write(spoken))
            with pytest.raises(ReceiverUnavailable) as refused:
                await post(one.url)
    assert "SSH" not in str(refused.value)


async def test_nobody_there_is_unavailable():
    with receiver() as one:
        pass
    async with posting() as post:
        with pytest.raises(ReceiverUnavailable, match="ConnectError"):
            await post(one.url)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        ([("retry-after", "120")], 120),
        ([("retry-after", "0")], 0),
        ([("retry-after", "9" * 5000)], 999_999_999),
        ([("retry-after", "-5")], None),
        ([("retry-after", "soon")], None),
        ([("retry-after", "1.5")], None),
        ([("retry-after", "١٢")], None),
        ([("retry-after", "Fri, 27 Nov 2026 10:02:00 GMT")], None),
        (
            [
                ("date", "Fri, 27 Nov 2026 10:00:00 GMT"),
                ("retry-after", "Fri, 27 Nov 2026 10:02:00 GMT"),
            ],
            120,
        ),
        (
            [
                ("date", "Fri, 27 Nov 2026 10:00:00 GMT"),
                ("retry-after", "Fri, 27 Nov 2020 10:02:00 GMT"),
            ],
            0,
        ),
        ([("date", "then"), ("retry-after", "Fri, 27 Nov 9999999 10:02:00 GMT")], None),
    ],
)
async def test_retry_after_is_seconds_or_a_date_beside_the_receiver_s_own(headers, seconds):
    def answer(handler):
        told = [f"{name}: {value}\r\n" for name, value in headers]
        handler.wfile.write(f"HTTP/1.1 503 X\r\n{''.join(told)}\r\n".encode())

    async with posting() as post:
        with receiver() as one:
            one.answers.append(answer)
            reply = await post(one.url)
    assert (reply.status, reply.retry_after) == (503, seconds)


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """A server's context for agent.example, and a client's that trusts its certificate."""
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    told = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=agent"
    files = ["-keyout", str(key), "-out", str(chain)]
    name = ["-addext", "subjectAltName=DNS:agent.example"]
    subprocess.run(
        ["openssl", "req", *told.split(), *files, *name], check=True, capture_output=True
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    return server, ssl.create_default_context(cafile=chain)


async def test_the_certificate_is_the_name_s_and_sni_names_it(certified):
    server, trust = certified
    asked = []
    server.sni_callback = lambda _, name, __: asked.append(name)
    find, _ = names([HERE])
    async with posting(find=find, trust=trust) as post:
        with receiver(tls=server) as one:
            assert (await post(f"https://agent.example:{one.port}/")).status == 204
            with pytest.raises(ReceiverUnavailable, match=r"(?i)certificate"):
                await post(f"https://another.example:{one.port}/")
            with pytest.raises(ReceiverUnavailable, match=r"(?i)certificate"):
                await post(one.url)
    assert asked[:2] == ["agent.example", "another.example"]
    assert [call.headers["host"] for call in one.calls] == [f"agent.example:{one.port}"]


async def test_a_certificate_that_nobody_vouches_for_is_refused(certified):
    find, _ = names([HERE])
    async with posting(find=find) as post:
        with receiver(tls=certified[0]) as one, pytest.raises(ReceiverUnavailable):
            await post(f"https://agent.example:{one.port}/")
    assert one.calls == []


async def test_a_redirect_does_not_leave_https(certified):
    server, trust = certified
    find, _ = names([HERE])
    async with posting(find=find, trust=trust) as post:
        with receiver(tls=server) as one, receiver() as two:
            one.answers.append(status(307, ("location", two.url)))
            with pytest.raises(WebhookRefused, match="https to http"):
                await post(f"https://agent.example:{one.port}/")
    assert two.calls == []
