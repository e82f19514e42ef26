"""A challenge serves once, a token says who asks, and neither outlives its time."""

import base64
import hmac
import json
from dataclasses import replace
from typing import Any

import anyio
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import assume, given
from hypothesis import strategies as st
from market import BUYER, DOMAIN, HOT_KEY, NOW, SELLER, STRANGER, word
from visitor import (
    NONCE,
    OLD_SECRET,
    ORIGIN,
    READ_LIST,
    SECRET,
    SITE,
    House,
    delegated,
    login,
    message,
    siwe_request,
    typed_request,
)

from marketplace.core.challenge import derived
from marketplace.core.errors import (
    FieldsDiffer,
    LoginNonceSpent,
    LoginRefused,
    OriginWrong,
    ParleyError,
    ScopeMissing,
    SignatureMalformed,
    TokenRefused,
    ValueMalformed,
    WrongSigner,
)
from marketplace.core.identity import Scope
from marketplace.core.login import Caller, Origin, Site
from marketplace.services.logins import NONCE_SECONDS, REMEMBERED_SECONDS
from marketplace.services.tokens import LONGEST_TOKEN, TTL_SECONDS, Tokens
from marketplace.wire.logins import TokenView

pytestmark = pytest.mark.anyio

WHO = Caller(BUYER.address, BUYER.address, READ_LIST)
TOKENS = Tokens(ORIGIN, [SECRET])
KEY = derived(SECRET, "token")
GOOD: dict[str, Any] = jwt.decode(
    TOKENS.issue(WHO, NOW, NOW + 900, word("name")), options={"verify_signature": False}
)
FORMS = pytest.mark.parametrize(
    "request_of",
    [lambda nonce, **c: typed_request(login(nonce, **c)), lambda n: siwe_request(message(n))],
    ids=["eip712", "siwe"],
)


async def logged_in(house: House, now: int = NOW, **changes: int) -> TokenView:
    """A token of the buyer's."""
    return await house.logins.login(typed_request(login(house.nonce(now), **changes)), now)


# ------------------------------------------------------------------ logging in


@FORMS
async def test_a_signed_challenge_gets_a_token_that_says_who_asks(request_of):
    house = House()
    given_ = await house.logins.login(request_of(house.nonce()), NOW)
    assert given_.token_type == "Bearer"  # noqa: S105 the kind of token, not one
    assert given_.expires_in == TTL_SECONDS
    assert given_.scope == "read list"
    assert await house.logins.caller(given_.access_token, NOW) == WHO


@FORMS
async def test_a_login_serves_once(request_of):
    house = House()
    request = request_of(house.nonce())
    await house.logins.login(request, NOW)
    with pytest.raises(LoginNonceSpent):
        await house.logins.login(request, NOW + 1)


async def test_a_nonce_serves_one_login_whoever_signs_and_in_whichever_form():
    house = House()
    nonce = house.nonce()
    await house.logins.login(typed_request(login(nonce)), NOW)
    with pytest.raises(LoginNonceSpent):
        await house.logins.login(siwe_request(message(nonce)), NOW)
    with pytest.raises(LoginNonceSpent):
        await house.logins.login(typed_request(login(nonce, SELLER), SELLER), NOW)


async def test_of_many_at_once_one_gets_a_token():
    house = House()
    request, told = typed_request(login(house.nonce())), list[object]()

    async def try_it():
        try:
            told.append(await house.logins.login(request, NOW))
        except LoginNonceSpent as refused:
            told.append(refused)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(try_it)
    assert sum(isinstance(one, TokenView) for one in told) == 1
    assert len(told) == 20


async def test_a_spent_nonce_is_remembered_for_longer_than_a_slow_clock_takes_it():
    house = House()
    nonce = house.nonce()
    await house.logins.login(typed_request(login(nonce)), NOW)
    await house.journal.sweep(NOW + NONCE_SECONDS + REMEMBERED_SECONDS - 1)
    with pytest.raises(LoginNonceSpent):
        await house.logins.login(typed_request(login(nonce)), NOW + NONCE_SECONDS - 1)


async def test_a_refused_login_has_not_spent_its_challenge():
    house = House()
    nonce = house.nonce()
    for refused in (
        typed_request(login(nonce), STRANGER),
        typed_request(login(nonce, expires_at=NOW)),
        typed_request(login(nonce, account=SELLER.address)),
    ):
        with pytest.raises(ParleyError):
            await house.logins.login(refused, NOW)
    await house.logins.login(typed_request(login(nonce)), NOW)


async def test_a_challenge_holds_until_its_last_second():
    house = House()
    nonce = house.nonce()
    with pytest.raises(LoginRefused) as refused:
        await house.logins.login(typed_request(login(nonce)), NOW + NONCE_SECONDS)
    assert refused.value.field == "nonce"
    await house.logins.login(typed_request(login(nonce)), NOW + NONCE_SECONDS - 1)


async def test_a_challenge_of_another_registry_or_of_nobody_is_refused():
    for nonce in (NONCE, House(secrets=(OLD_SECRET,)).nonce()):
        with pytest.raises(LoginRefused) as refused:
            await House().logins.login(typed_request(login(nonce)), NOW)
        assert refused.value.field == "nonce"


async def test_two_registries_of_one_escrow_and_one_secret_take_nothing_of_each_other():
    here = House()
    there = House(Site(Origin.parse("https://elsewhere.example"), DOMAIN), here.journal)
    nonce = here.nonce()
    for request in (typed_request(login(nonce)), siwe_request(message(nonce))):
        with pytest.raises(OriginWrong):
            await there.logins.login(request, NOW)
    token = (await logged_in(here)).access_token
    with pytest.raises(TokenRefused):
        await there.logins.caller(token, NOW)


async def test_any_worker_with_the_secret_and_the_journal_is_the_same_registry():
    one = House()
    other = House(journal=one.journal)
    request = typed_request(login(one.nonce()))
    token = (await other.logins.login(request, NOW)).access_token
    assert await one.logins.caller(token, NOW) == WHO
    with pytest.raises(LoginNonceSpent):
        await one.logins.login(request, NOW)


async def test_challenges_differ():
    house = House()
    assert len({house.nonce() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("spoiled", "error"),
    [
        ({"grant": "password"}, ValueMalformed),
        ({"grant": None}, ValueMalformed),
        ({"grant": ["eip712"]}, ValueMalformed),
        ({"grant": "siwe"}, ValueMalformed),
        ({"grant": "siwe", "message": "hello"}, ValueMalformed),
        ({"grant": "siwe", "message": "a" * 1_000_000}, ValueMalformed),
        ({"message": None}, ValueMalformed),
        ({"message": {}}, FieldsDiffer),
        ({"signature": None}, ValueMalformed),
        ({"signature": "0x"}, SignatureMalformed),
        ({"signature": "0x" + "00" * 64 + "1b"}, SignatureMalformed),
        ({"scope": "manage"}, FieldsDiffer),
        ({"delegation": None}, ValueMalformed),
        ({"delegation": {}}, FieldsDiffer),
        ({"delegation": {"message": {}, "signature": "0x00"}}, FieldsDiffer),
    ],
)
async def test_a_request_of_another_form_is_refused_by_name(spoiled, error):
    house = House()
    with pytest.raises(error):
        await house.logins.login(typed_request(login(house.nonce())) | spoiled, NOW)


@pytest.mark.parametrize("given_", [None, [], "eip712", 1, {}])
async def test_what_is_no_request_is_refused_by_name(given_):
    with pytest.raises((ValueMalformed, FieldsDiffer)):
        await House().logins.login(given_, NOW)


# ------------------------------------------------------------------ delegates


def by_delegate(house: House, with_=None, **changes: int):
    told = login(house.nonce(), account=BUYER.address, **changes)
    return typed_request(told, HOT_KEY, with_ or delegated())


async def test_a_delegate_gets_a_token_in_its_principal_s_name():
    house = House()
    given_ = await house.logins.login(by_delegate(house), NOW)
    assert given_.scope == "read"
    caller = await house.logins.caller(given_.access_token, NOW)
    name = delegated().delegation.digest(DOMAIN)
    assert caller == Caller(BUYER.address, HOT_KEY.address, Scope.READ, name)


async def test_a_delegate_cannot_ask_for_more_than_it_was_given():
    house = House()
    every = int(Scope.READ | Scope.UPLOAD | Scope.MANAGE)
    given_ = await house.logins.login(by_delegate(house, scope=every), NOW)
    assert given_.scope == "read upload"
    with pytest.raises(ScopeMissing):
        await house.logins.login(by_delegate(house, scope=int(Scope.MANAGE)), NOW)


async def test_a_delegate_s_token_ends_with_its_delegation():
    house = House()
    short = delegated(expires_at=NOW + 60)
    given_ = await house.logins.login(by_delegate(house, short), NOW)
    assert given_.expires_in == 60
    await house.logins.caller(given_.access_token, NOW + 59)
    with pytest.raises(TokenRefused):
        await house.logins.caller(given_.access_token, NOW + 60)


async def test_a_revoked_delegate_logs_in_no_more_and_its_token_ends_at_once():
    house = House()
    token = (await house.logins.login(by_delegate(house), NOW)).access_token
    await house.logins.caller(token, NOW)
    house.revoke(delegated())
    with pytest.raises(TokenRefused):
        await house.logins.caller(token, NOW)
    with pytest.raises(LoginRefused) as refused:
        await house.logins.login(by_delegate(house), NOW)
    assert refused.value.field == "delegation"
    again = delegated(salt=word("another salt"))
    await house.logins.login(by_delegate(house, again), NOW)


async def test_a_principal_is_not_asked_for_a_delegation_and_a_revocation_ends_no_other_token():
    house = House()
    token = (await logged_in(house)).access_token
    house.revoke(delegated())
    assert await house.logins.caller(token, NOW) == WHO


# ------------------------------------------------------------------ tokens


async def test_a_token_holds_until_its_last_second_and_not_before_its_first():
    house = House()
    token = (await logged_in(house)).access_token
    await house.logins.caller(token, NOW + TTL_SECONDS - 1)
    for now in (NOW - 1, NOW + TTL_SECONDS):
        with pytest.raises(TokenRefused):
            await house.logins.caller(token, now)


async def test_a_token_does_not_outlive_the_login_that_it_was_given_for():
    given_ = await logged_in(House(), expires_at=NOW + 10)
    assert given_.expires_in == 10


async def test_a_secret_is_replaced_without_anybody_logging_in_again():
    before = House(secrets=(OLD_SECRET,))
    after = House(secrets=(SECRET, OLD_SECRET), journal=before.journal)
    token = (await logged_in(before)).access_token
    assert await after.logins.caller(token, NOW) == WHO
    await after.logins.login(typed_request(login(before.nonce())), NOW)
    fresh = (await logged_in(after)).access_token
    with pytest.raises(TokenRefused):
        await before.logins.caller(fresh, NOW)
    with pytest.raises(TokenRefused):
        await House().logins.caller(token, NOW)


def test_a_secret_that_could_be_guessed_is_none():
    for secrets in ([], [b"short"], [SECRET, b""], [b"x" * 31]):
        with pytest.raises(ValueError, match="32 bytes"):
            Tokens(ORIGIN, secrets)


def encoded(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_the_good_claims_are_good():
    token = jwt.encode(GOOD, KEY, "HS256", headers={"typ": "at+jwt"})
    assert TOKENS.read(token, NOW) == WHO


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, 7])
def test_a_token_that_nobody_signed_is_refused(algorithm):
    header = {"alg": algorithm, "typ": "at+jwt"}
    for signature in (b"", b"\0" * 32):
        with pytest.raises(TokenRefused):
            TOKENS.read(encoded(header, GOOD, signature), NOW)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_under_the_right_key_is_refused(algorithm: str):
    token = jwt.encode(GOOD, KEY * 2, algorithm, headers={"typ": "at+jwt"})
    with pytest.raises(TokenRefused):
        Tokens(ORIGIN, [SECRET]).read(token, NOW)


def test_a_token_under_an_asymmetric_key_is_refused():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = jwt.encode(GOOD, key, "RS256", headers={"typ": "at+jwt"})
    with pytest.raises(TokenRefused):
        TOKENS.read(signed, NOW)
    # The confusion of the two: a public key is no secret, even if it were given as one.
    header, claims, _ = signed.split(".")
    forged = hmac.digest(public, f"{header}.{claims}".encode(), "sha256")
    with pytest.raises(TokenRefused):
        Tokens(ORIGIN, [public]).read(encoded({"alg": "RS256", "typ": "at+jwt"}, GOOD, forged), NOW)


def test_a_key_that_the_token_brings_itself_is_not_asked():
    mine = b"the caller's own key, 32 bytes long"
    jwk = {"kty": "oct", "k": base64.urlsafe_b64encode(mine).decode()}
    headers = {"typ": "at+jwt", "jwk": jwk, "kid": "../../dev/null", "jku": "https://a.example"}
    with pytest.raises(TokenRefused):
        TOKENS.read(jwt.encode(GOOD, mine, "HS256", headers=headers), NOW)


def test_the_secret_itself_signs_no_token():
    with pytest.raises(TokenRefused):
        TOKENS.read(jwt.encode(GOOD, SECRET, "HS256", headers={"typ": "at+jwt"}), NOW)


@given(st.data())
def test_no_letter_of_a_token_can_be_changed(data: st.DataObject):
    token = TOKENS.issue(WHO, NOW, NOW + 900, word("name"))
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(codec="utf-8"))
    # The last letter of 32 bytes in base64url carries two bits that mean nothing.
    assume(letter != token[place] and place != len(token) - 1)
    with pytest.raises(TokenRefused):
        TOKENS.read(token[:place] + letter + token[place + 1 :], NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "https://elsewhere.example"},
        {"aud": [str(ORIGIN), "https://elsewhere.example"]},
        {"aud": None},
        {"sub": "0x12"},
        {"sub": 12},
        {"scope": ""},
        {"scope": "read everything"},
        {"scope": ["read"]},
        {"scope": None},
        {"exp": NOW},
        {"exp": str(NOW + 900)},
        {"exp": float("inf")},
        {"exp": True},
        {"iat": NOW + 1},
        {"iat": None},
        {"jti": 7},
        {"act": {"sub": HOT_KEY.address}},
        {"delegation": word("delegation")},
        {"act": {"sub": "0x12"}, "delegation": word("delegation")},
        {"act": {}, "delegation": word("delegation")},
        {"act": HOT_KEY.address, "delegation": word("delegation")},
        {"act": {"sub": HOT_KEY.address}, "delegation": "0x12"},
        {"admin": True},
        *({name: ...} for name in sorted(GOOD)),
    ],
    ids=str,
)
def test_claims_that_this_registry_does_not_make_are_refused_though_it_signed_them(changes):
    claims = {k: v for k, v in (GOOD | changes).items() if v is not ...}
    token = jwt.encode(claims, KEY, "HS256", headers={"typ": "at+jwt"})
    with pytest.raises(TokenRefused):
        TOKENS.read(token, NOW)


@pytest.mark.parametrize("kind", ["JWT", "jwt", "secevent+jwt", None])
def test_another_kind_of_token_is_refused_though_it_is_signed(kind):
    with pytest.raises(TokenRefused):
        TOKENS.read(jwt.encode(GOOD, KEY, "HS256", headers={"typ": kind}), NOW)


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", "Bearer x", "\u00e9.\u00e9.\u00e9", "e30.e30.e30", "\0"],
)
def test_what_is_no_token_is_refused(token: str):
    with pytest.raises(TokenRefused):
        TOKENS.read(token, NOW)


def test_a_token_that_never_ends_is_refused_unread():
    with pytest.raises(TokenRefused) as refused:
        TOKENS.read("a" * (LONGEST_TOKEN + 1), NOW)
    assert refused.value.reason == "too long"


@given(
    scopes=st.integers(1, 31).map(Scope),
    acts=st.booleans(),
    now=st.integers(0, 1 << 38),
    lasts=st.integers(1, 1 << 20),
)
def test_a_token_is_read_back_as_it_was_issued(scopes: Scope, acts, now: int, lasts: int):
    who = replace(WHO, scopes=scopes)
    if acts:
        who = replace(who, actor=HOT_KEY.address, delegation=word("delegation"))
    token = TOKENS.issue(who, now, now + lasts, word("name"))
    assert TOKENS.read(token, now) == TOKENS.read(token, now + lasts - 1) == who
    assert len(token) <= LONGEST_TOKEN


async def test_a_wrong_signer_is_told_by_name():
    house = House()
    with pytest.raises(WrongSigner) as refused:
        await house.logins.login(typed_request(login(house.nonce()), STRANGER), NOW)
    assert refused.value.values == {"expected": BUYER.address, "recovered": STRANGER.address}
    assert house.site == SITE
