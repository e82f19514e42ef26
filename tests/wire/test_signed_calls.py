"""Our signatures under the specification's library: taken whole, refused with a bit changed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receivers import OWNER, Log, shown
from standardwebhooks import Webhook, WebhookVerificationError

from marketplace.adapters.system import SystemClock
from marketplace.ports.webhooks import Subscription
from marketplace.wire.webhooks import call_id, payload, secret_of, signed_headers

KEYS = st.binary(min_size=24, max_size=64)
BODIES = st.text(st.characters(exclude_categories=["Cs"])).map(lambda one: json.dumps([one]))


@given(KEYS, BODIES)
def test_what_we_sign_the_foreign_library_takes(key, body):
    secret, now = secret_of(key), SystemClock().now()
    headers = signed_headers([secret], "wh_1_2", now, body.encode())
    assert Webhook(secret).verify(body, dict(headers)) == json.loads(body)


@given(KEYS, BODIES, st.data())
def test_one_flipped_bit_of_anything_is_refused(key, body, data):
    secret, now = secret_of(key), SystemClock().now()
    headers = dict(signed_headers([secret], "wh_1_2", now, body.encode()))
    parts = {"body": body, **{n: headers[n] for n in ("webhook-id", "webhook-timestamp")}}
    name = data.draw(st.sampled_from([*parts, "key"]))
    if name == "key":
        spoiled = bytearray(key)
        spoiled[data.draw(st.integers(0, len(key) - 1))] ^= 1
        secret = secret_of(bytes(spoiled))
    else:
        at = data.draw(st.integers(0, len(parts[name]) - 1))
        changed = chr(ord(parts[name][at]) ^ 1)
        parts[name] = parts[name][:at] + changed + parts[name][at + 1 :]
    body = parts.pop("body")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers | parts, json_parse=False)


def test_a_signature_with_another_byte_is_refused():
    secret, now = secret_of(b"k" * 32), SystemClock().now()
    headers = dict(signed_headers([secret], "wh_1_2", now, b"{}"))
    first = headers["webhook-signature"][3]
    other = "B" if first == "A" else "A"
    headers["webhook-signature"] = "v1," + other + headers["webhook-signature"][4:]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify("{}", headers)


def test_the_payload_says_what_happened_and_when_and_shows_what_the_stream_shows():
    (entry,) = Log(1).all
    assert json.loads(payload(entry, shown(entry))) == {
        "type": "message.offer",
        "timestamp": "2027-01-15T08:00:00Z",
        "data": {
            "index": 0,
            "sequence": 0,
            "received_at": 1_800_000_000,
            "message": {"number": 0},
        },
    }


def test_a_call_s_id_has_no_stop_and_is_its_subscription_s_and_its_entry_s():
    first, second = (Subscription(name, OWNER, "", "", 0) for name in ("wh_1", "wh_2"))
    entries = Log(3).all
    ids = [call_id(one, entry) for one in (first, second) for entry in entries]
    assert len(set(ids)) == len(ids)
    assert "." not in "".join(ids)
