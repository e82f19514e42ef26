"""No spelling of a URL and no address leads into the registry's own network."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.destination import LONGEST_URL, Reach, anywhere, destination, is_public
from marketplace.core.errors import WebhookRefused

PUBLIC_4 = "8.8.8.8", "1.1.1.1", "192.31.196.1", "223.255.255.254", "99.255.255.255", "100.128.0.1"
PUBLIC_6 = "2606:4700:4700::1111", "2a00:1450:4001:80e::200e", "2620:fe::fe"
CLOSED_4 = (
    "0.0.0.0",  # noqa: S104 it is refused
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.9",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
)
CLOSED_6 = (
    "::",
    "::1",
    "::8.8.8.8",  # compatible, which nobody routes
    "::ffff:0:8.8.8.8",  # translated (RFC 7915)
    "64:ff9b:1::8.8.8.8",  # a network's own NAT64 (RFC 8215)
    "100::1",
    "2001::1",  # Teredo, which has IPv4 addresses inside
    "2001:db8::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
    "ffff::1",
)


def inside(four):
    """The IPv6 addresses that lead to an IPv4 one."""
    bits = int(IPv4Address(four))
    return (
        str(IPv6Address(0xFFFF << 32 | bits)),
        str(IPv6Address(0x64FF9B << 96 | bits)),
        str(IPv6Address(0x2002 << 112 | bits << 80 | 1)),
    )


@pytest.mark.parametrize("address", [*PUBLIC_4, *PUBLIC_6])
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", [*CLOSED_4, *CLOSED_6, "", "localhost", "127.1", "0x7f000001"])
def test_any_other_address_is_not(address):
    assert not is_public(address)


@pytest.mark.parametrize("four", [*PUBLIC_4, *CLOSED_4])
def test_an_address_inside_another_decides(four):
    assert [is_public(six) for six in inside(four)] == [is_public(four)] * 3


@given(st.ip_addresses(v=4))
def test_no_address_that_the_library_calls_private_is_public(address):
    closed = address.is_private or address.is_multicast or address.is_reserved
    assert not (closed and any(map(is_public, (str(address), *inside(str(address))))))


@given(st.ip_addresses(v=6))
def test_public_addresses_are_global_unicast_or_lead_to_such(address):
    if is_public(str(address)):
        plain = address.ipv4_mapped or address.sixtofour or address
        nat64 = int(address) >> 32 == 0x64FF9B << 64
        assert plain.is_global
        assert nat64 or address.ipv4_mapped or int(address) >> 125 == 1


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://agent.example", ("https", "agent.example", 443, "/")),
        ("https://Agent.EXAMPLE:443/a?b=c", ("https", "agent.example", 443, "/a?b=c")),
        ("https://agent.example:8443/a", ("https", "agent.example", 8443, "/a")),
        ("https://8.8.8.8/", ("https", "8.8.8.8", 443, "/")),
        ("https://[2606:4700:4700::1111]:8443/", ("https", "2606:4700:4700::1111", 8443, "/")),
        ("https://xn--bcher-kva.example/", ("https", "xn--bcher-kva.example", 443, "/")),
    ],
)
def test_a_plain_url_has_its_parts(url, parts):
    found = destination(url, Reach())
    assert (found.scheme, found.host, found.port, found.target) == parts


def test_the_authority_names_a_port_that_is_not_the_scheme_s_own():
    for url, authority in (
        ("https://agent.example:443/", "agent.example"),
        ("https://agent.example:8443/", "agent.example:8443"),
        ("https://[2606:4700:4700::1111]/", "[2606:4700:4700::1111]"),
        ("https://[2606:4700:4700::1111]:8443/", "[2606:4700:4700::1111]:8443"),
    ):
        found = destination(url, Reach())
        assert found.authority == authority
        assert destination(found.url, Reach()) == found


@pytest.mark.parametrize(
    "url",
    [
        "",
        "agent.example",
        "//agent.example/",
        "http://agent.example/",
        "HTTP://agent.example/",
        "ftp://agent.example/",
        "file:///etc/passwd",
        "gopher://agent.example:11211/",
        "javascript:alert(1)",
        "https:agent.example",
        "https:///path",
        "https://user@agent.example/",
        "https://user:password@agent.example/",
        "https://@agent.example/",
        "https://agent.example@8.8.8.8/",
        "https://agent.example\\@8.8.8.8/",
        "https://agent.example#@8.8.8.8/",
        "https://agent.example/#fragment",
        "https://agent.example /",
        " https://agent.example/",
        "https://agent.example/\r\nhost: inside",
        "https://agent.example/\t",
        "https://agent.example/\x00",
        "https://agent。example/",
        "https://①②⑦.0.0.1/",
        "https://bücher.example/",
        "https://agent%2eexample/",
        "https://.agent.example/",
        "https://agent.example./",
        "https://agent..example/",
        "https://-agent.example/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 127}example/",
        "https://agent.example:/",
        "https://agent.example:0/",
        "https://agent.example:00/",
        "https://agent.example:22/",
        "https://agent.example:25/",
        "https://agent.example:1023/",
        "https://agent.example:65536/",
        "https://agent.example:-1/",
        "https://agent.example:port/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.01/",
        "https://127.0.0.0x1/",
        "https://8.8.8.8.8/",
        "https://0/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[2606:4700:4700::1111%25eth0]/",
        "https://[v1.agent]/",
        "https://[::1/",
        "https://::1/",
        "https://[127.0.0.1]/",
        "https://agent.example/" + "a" * LONGEST_URL,
    ],
)
def test_a_hostile_url_is_refused_with_its_reason(url):
    with pytest.raises(WebhookRefused) as refused:
        destination(url, Reach())
    assert refused.value.reason


@given(st.text(max_size=60).map("https://".__add__) | st.text(max_size=60))
def test_any_text_is_a_destination_of_one_form_or_is_refused_by_name(url):
    try:
        found = destination(url, Reach(plain=True, permits=anywhere))
    except WebhookRefused:
        return
    assert destination(found.url, Reach(plain=True, permits=anywhere)) == found


def test_an_operator_opens_http_and_the_inside_each_by_itself():
    assert destination("http://agent.example/", Reach(plain=True)).port == 80
    assert destination("https://10.0.0.1/", Reach(permits=anywhere)).host == "10.0.0.1"
    with pytest.raises(WebhookRefused):
        destination("https://[fe80::1%25eth0]/", Reach(permits=anywhere))
    with pytest.raises(WebhookRefused):
        destination("http://10.0.0.1/", Reach(plain=True))
    with pytest.raises(WebhookRefused):
        destination("http://10.0.0.1/", Reach(permits=anywhere))
