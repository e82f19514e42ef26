"""The page on webhooks says what the code does, and its script verifies what the code signs."""

import re
import subprocess
from itertools import accumulate
from pathlib import Path

import pytest

from marketplace.adapters.http.poster import FOLLOWED, MOST_REDIRECTS, SECONDS
from marketplace.api.webhooks import router
from marketplace.core.destination import LEAST_OTHER_PORT, LONGEST_URL
from marketplace.services.deliveries import JITTER_PART, LONGEST_WAIT, RETRY_SECONDS
from marketplace.services.webhooks import MOST_WEBHOOKS, OLD_SECRET_SECONDS
from marketplace.wire.webhooks import secret_of, signed_headers

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/webhooks.md").read_text()
LONGEST_PAGE = 80
BODY = b'{"data":"\xc3\xbc"}'


def in_words(seconds):
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if not hours:
        return f"{minutes} min" if minutes else f"{seconds} s"
    return f"{hours} h {minutes} min"


def test_the_table_of_retries_is_the_code_s():
    told = re.findall(r"^\| (\d+) \| (\d+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
    waits = (0, *RETRY_SECONDS)
    together = map(in_words, accumulate(waits))
    assert told == [
        (str(number), str(wait), sum_)
        for number, (wait, sum_) in enumerate(zip(waits, together, strict=True), 1)
    ]


def test_the_page_s_figures_are_the_code_s():
    assert JITTER_PART == 10
    assert LONGEST_WAIT == 24 * 60 * 60
    assert MOST_REDIRECTS == 3
    flat = " ".join(PAGE.split())
    for told in (
        f"2xx within {SECONDS:g} seconds",
        f"no answer in {SECONDS:g} seconds",
        f"at most {LONGEST_URL} characters",
        f"from {LEAST_OTHER_PORT} on",
        f"at most {MOST_WEBHOOKS} webhooks",
        f"for {OLD_SECRET_SECONDS // 3600} hours",
        f"Redirects {FOLLOWED[0]} and {FOLLOWED[1]}",
    ):
        assert told in flat


def test_every_route_of_webhooks_is_on_the_api_page():
    page = (ROOT / "docs/api.md").read_text()
    for route in router.routes:
        for method in route.methods:
            assert f"| `{method} {route.path}` | `{route.operation_id}` |" in page


@pytest.mark.parametrize("key", [b"\x00" * 32, bytes(range(32)), b"\xff" * 32])
def test_the_page_s_script_computes_the_signature(key, tmp_path):
    script = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
    body = tmp_path / "body"
    body.write_bytes(BODY)
    told = {"SECRET": secret_of(key), "ID": "wh_1_2", "TIMESTAMP": "1800000005"}
    ended = subprocess.run(
        ["sh", "-ec", script],
        env={**told, "BODY": str(body), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    expected = signed_headers([told["SECRET"]], told["ID"], 1800000005, BODY)["webhook-signature"]
    assert "v1," + ended.stdout.decode().strip() == expected


def test_the_page_is_short():
    assert len(PAGE.splitlines()) <= LONGEST_PAGE
