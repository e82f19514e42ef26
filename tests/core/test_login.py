"""A login serves one registry, one chain, one time, one account, and no more than it says."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from hypothesis import assume, given
from hypothesis import strategies as st
from market import BUYER, DOMAIN, HOT_KEY, NOW, SELLER, STRANGER, word
from visitor import NONCE, ORIGIN, READ_LIST, SECRET, SITE, delegated, login, message

from marketplace.core.challenge import check_nonce, derived, nonce
from marketplace.core.eip712 import Domain, typed_data
from marketplace.core.errors import (
    LoginRefused,
    OriginWrong,
    ParleyError,
    ScopeMissing,
    SignatureMalformed,
    ValueMalformed,
    WrongSigner,
)
from marketplace.core.identity import ROLES, Scope, scope_names
from marketplace.core.login import (
    CLOCKS_APART,
    Caller,
    Claim,
    Login,
    Origin,
    Site,
    account_uri,
    named,
    scope_uris,
)
from marketplace.core.signature import ORDER
from marketplace.core.siwe import Siwe, instant_of
from marketplace.core.values import checksum

CAST = next(
    iter(Path(__file__).parents[2].glob("node_modules/@foundry-rs/cast-*/bin/cast")), Path("cast")
)
ALL = ROLES["manager"]
SCOPES = st.integers(1, int(ALL)).map(Scope)
ELSEWHERE = Site(Origin.parse("https://elsewhere.example"), DOMAIN)
OTHER_CHAIN = Site(ORIGIN, replace(DOMAIN, chain_id=1))


def typed_claim(told: Login, by=BUYER, site: Site = SITE) -> Claim:
    return site.typed_claim(told, by.sign(told.digest(site.domain)))


def siwe_claim(told: Siwe, by=BUYER, site: Site = SITE) -> Claim:
    return site.siwe_claim(told.text, by.sign(told.digest))


def admitted(claim: Claim, with_=None, now: int = NOW) -> tuple[Caller, int]:
    return SITE.admit(claim, with_, now)


BOTH = pytest.mark.parametrize(
    "claimed",
    [lambda **c: typed_claim(login(**c)), lambda **c: siwe_claim(message(**spelled(c)))],
    ids=["eip712", "siwe"],
)


def spelled(changes):
    """The changes of a Login as those of a text."""
    names_ = {"issued_at": "issued_at", "expires_at": "expiration_time"}
    told = {names_[name]: instant_of(value) for name, value in changes.items() if name in names_}
    if "scope" in changes:
        told["resources"] = scope_uris(Scope(changes["scope"]))
    return told


# ------------------------------------------------------------------ foreign wallets


def test_eth_account_signs_the_typed_login_that_is_admitted():
    document = typed_data(login(), DOMAIN)
    signed = Account.sign_message(encode_typed_data(full_message=document), BUYER.key)
    claim = SITE.typed_claim(login(), "0x" + signed.signature.hex())
    assert admitted(claim) == (Caller(BUYER.address, BUYER.address, READ_LIST), NOW + 3600)


def test_eth_account_signs_the_text_that_is_admitted():
    signed = Account.sign_message(encode_defunct(text=message().text), BUYER.key)
    claim = SITE.siwe_claim(message().text, "0x" + signed.signature.hex())
    assert admitted(claim) == (Caller(BUYER.address, BUYER.address, READ_LIST), NOW + 3600)


def cast_signs(*words: str) -> str:
    command = [CAST, "wallet", "sign", "--private-key", "0x" + BUYER.key.hex(), *words]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    return told.stdout.strip()


@pytest.mark.node
def test_cast_signs_both_forms_as_we_do():
    document = json.dumps(typed_data(login(), DOMAIN))
    assert cast_signs("--data", document) == BUYER.sign(login().digest(DOMAIN))
    assert cast_signs(message().text) == BUYER.sign(message().digest)


# ------------------------------------------------------------------ where it serves


def test_a_login_for_another_registry_is_nothing_here_though_they_share_the_escrow():
    assert ELSEWHERE.domain == SITE.domain
    with pytest.raises(OriginWrong) as refused:
        typed_claim(login(origin=ELSEWHERE.origin.digest))
    assert refused.value.values == {
        "stated": ELSEWHERE.origin.digest,
        "expected": ORIGIN.digest,
    }
    with pytest.raises(OriginWrong):
        typed_claim(login(), site=ELSEWHERE)
    with pytest.raises(OriginWrong):
        siwe_claim(message(), site=ELSEWHERE)


@pytest.mark.parametrize(
    "changes",
    [
        {"domain": "elsewhere.example"},
        {"domain": "registry.example:443"},
        {"domain": "registry.example:8080"},
        {"domain": "REGISTRY.example"},
        {"domain": "registry.example."},
        {"domain": "evil-registry.example"},
        {"scheme": "http"},
        {"uri": "https://elsewhere.example"},
        {"uri": "http://registry.example"},
        {"uri": "https://registry.example/"},
        {"uri": "https://registry.example.evil.example"},
        {"uri": "https://registry.example:443"},
        {"uri": "https://registry.example?next=https://evil.example"},
    ],
)
def test_a_text_for_another_place_is_refused(changes: dict[str, str]):
    with pytest.raises(OriginWrong):
        siwe_claim(message(**changes))


def test_a_text_that_names_the_scheme_is_the_same_place():
    assert siwe_claim(message(scheme="https")) == siwe_claim(message())


def test_a_login_on_another_chain_or_escrow_is_refused():
    told = login()
    for domain in (OTHER_CHAIN.domain, replace(DOMAIN, verifying_contract="0x" + "ab" * 20)):
        claim = SITE.typed_claim(told, BUYER.sign(told.digest(domain)))
        with pytest.raises(WrongSigner):
            admitted(claim)
    with pytest.raises(LoginRefused) as refused:
        siwe_claim(message(chain_id="1"))
    assert refused.value.field == "Chain ID"


@given(st.sampled_from(["issued_at", "expires_at", "scope", "nonce", "account"]), st.data())
def test_no_member_of_a_signed_login_can_be_changed(field: str, data: st.DataObject):
    whole = login()
    values = {
        "nonce": st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex()),
        "account": st.sampled_from([SELLER.address, STRANGER.address]),
        "scope": st.integers(1, int(ALL)),
    }
    value = data.draw(values.get(field, st.integers(NOW - 100, NOW + 9_999)))
    assume(value != getattr(whole, field))
    spoiled = replace(whole, **{field: value})
    with pytest.raises((WrongSigner, LoginRefused, SignatureMalformed)):
        admitted(SITE.typed_claim(spoiled, BUYER.sign(whole.digest(DOMAIN))))


def test_no_byte_of_a_signed_text_can_be_changed():
    text, signature = message().text, BUYER.sign(message().digest)
    for place in range(len(text)):
        for other in {"0", "a", "/", " ", "\n"} - {text[place]}:
            with pytest.raises(ParleyError):
                SITE.siwe_claim(text[:place] + other + text[place + 1 :], signature)


@pytest.mark.parametrize("by", [SELLER, STRANGER, HOT_KEY], ids=lambda party: party.name)
def test_nobody_logs_in_as_somebody_else(by):
    with pytest.raises(WrongSigner):
        admitted(typed_claim(login(), by))
    with pytest.raises(WrongSigner):
        siwe_claim(message(), by)


def high_s(signature: str) -> str:
    raw = bytes.fromhex(signature[2:])
    twin = (ORDER - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    return "0x" + (raw[:32] + twin + bytes([55 - raw[64]])).hex()


def test_the_malleable_twin_of_a_signature_is_refused():
    with pytest.raises(SignatureMalformed):
        SITE.typed_claim(login(), high_s(BUYER.sign(login().digest(DOMAIN))))
    with pytest.raises(SignatureMalformed):
        SITE.siwe_claim(message().text, high_s(BUYER.sign(message().digest)))
    given_ = delegated()
    with pytest.raises(SignatureMalformed):
        admitted(typed_claim(login(), HOT_KEY), replace(given_, signature=high_s(given_.signature)))


# ------------------------------------------------------------------ when it holds


@BOTH
def test_a_login_holds_until_its_last_second(claimed):
    admitted(claimed(expires_at=NOW + 1))
    for ends in (NOW, NOW - 1, 1):
        with pytest.raises(LoginRefused) as refused:
            admitted(claimed(expires_at=ends))
        assert refused.value.field == "expiresAt"


@BOTH
def test_a_login_from_the_future_is_refused_beyond_what_clocks_are_apart(claimed):
    admitted(claimed(issued_at=NOW + CLOCKS_APART))
    with pytest.raises(LoginRefused) as refused:
        admitted(claimed(issued_at=NOW + CLOCKS_APART + 1))
    assert refused.value.field == "issuedAt"


def test_a_text_holds_from_its_own_instant_on():
    admitted(siwe_claim(message(not_before=instant_of(NOW))))
    with pytest.raises(LoginRefused) as refused:
        admitted(siwe_claim(message(not_before=instant_of(NOW + 1))))
    assert refused.value.field == "notBefore"


def test_a_text_without_an_end_is_refused():
    with pytest.raises(LoginRefused) as refused:
        siwe_claim(message(expiration_time=None))
    assert refused.value.field == "Expiration Time"


# ------------------------------------------------------------------ what it asks for


@BOTH
@given(scope=SCOPES)
def test_the_scope_that_is_asked_for_is_the_scope_that_is_given(claimed, scope: Scope):
    caller, _ = admitted(claimed(scope=int(scope)))
    assert caller.scopes == scope


@pytest.mark.parametrize("scope", [0, 32, 33, 1 << 31])
def test_a_scope_that_there_is_not_is_refused(scope: int):
    with pytest.raises(LoginRefused):
        typed_claim(login(scope=scope))


def test_a_text_that_asks_for_nothing_may_read():
    for resources in (None, (), (account_uri(BUYER.address),)):
        assert siwe_claim(message(resources=resources)).scope == Scope.READ


@pytest.mark.parametrize(
    "uri",
    [
        "urn:parley:scope:everything",
        "urn:parley:scope:READ",
        "urn:parley:scope:",
        "urn:parley:scope:read%20manage",
        "urn:parley:other:x",
        "https://registry.example/manage",
    ],
)
def test_a_text_that_asks_for_what_there_is_not_is_refused(uri: str):
    with pytest.raises(LoginRefused):
        siwe_claim(message(resources=("urn:parley:scope:read", uri)))


def test_a_text_that_speaks_for_two_or_for_no_address_is_refused():
    two = account_uri(BUYER.address), account_uri(SELLER.address)
    with pytest.raises(LoginRefused):
        siwe_claim(message(resources=two))
    with pytest.raises(ValueMalformed):
        siwe_claim(message(resources=(account_uri("0x12"),)))


@given(scopes=st.integers(0, int(ALL)).map(Scope))
def test_scopes_are_read_back_from_their_names(scopes: Scope):
    if scopes:
        assert named(scope_names(scopes)) == scopes
    else:
        with pytest.raises(LoginRefused):
            named(scope_names(scopes))


@given(held=SCOPES, needed=SCOPES)
def test_a_caller_needs_every_scope_that_is_needed(held: Scope, needed: Scope):
    caller = Caller(BUYER.address, BUYER.address, held)
    if needed in held:
        caller.check(needed)
        return
    with pytest.raises(ScopeMissing) as refused:
        caller.check(needed)
    assert refused.value.values == {"needed": scope_names(needed), "held": scope_names(held)}


# ------------------------------------------------------------------ delegates


def as_delegate(scope: Scope = READ_LIST, by=HOT_KEY, **changes: int) -> Claim:
    return typed_claim(login(account=BUYER.address, scope=int(scope), **changes), by)


@given(asked=SCOPES, held=st.integers(0, (1 << 32) - 1))
def test_a_delegate_has_what_it_asks_for_and_was_given_and_nothing_else(asked, held):
    with_ = delegated(scope=held)
    if asked & held:
        caller, _ = admitted(as_delegate(asked), with_)
        assert caller.scopes == asked & held
        assert (caller.account, caller.actor) == (BUYER.address, HOT_KEY.address)
        assert caller.delegation == with_.delegation.digest(DOMAIN)
    else:
        with pytest.raises(ScopeMissing):
            admitted(as_delegate(asked), with_)


def test_a_delegate_s_login_ends_with_its_delegation_or_before():
    assert admitted(as_delegate(), delegated())[1] == NOW + 1800
    assert admitted(as_delegate(expires_at=NOW + 60), delegated())[1] == NOW + 60


def test_a_delegation_holds_until_its_last_second():
    admitted(as_delegate(), delegated(expires_at=NOW + 1))
    with pytest.raises(LoginRefused) as refused:
        admitted(as_delegate(), delegated(expires_at=NOW))
    assert refused.value.field == "delegation"


def test_a_delegate_without_its_delegation_is_nobody():
    with pytest.raises(WrongSigner):
        admitted(as_delegate())


@pytest.mark.parametrize(
    "with_",
    [
        pytest.param(delegated(to=STRANGER), id="to another key"),
        pytest.param(delegated(by=SELLER), id="of another principal"),
        pytest.param(
            replace(delegated(), signature=HOT_KEY.sign(delegated().delegation.digest(DOMAIN))),
            id="signed by the delegate itself",
        ),
        pytest.param(
            replace(delegated(scope=int(ALL)), signature=delegated().signature),
            id="with more scopes than were signed",
        ),
        pytest.param(
            replace(delegated(expires_at=NOW + 9_999), signature=delegated().signature),
            id="for longer than was signed",
        ),
        pytest.param(
            replace(
                delegated(),
                signature=BUYER.sign(delegated().delegation.digest(OTHER_CHAIN.domain)),
            ),
            id="signed on another chain",
        ),
    ],
)
def test_a_delegation_that_does_not_bind_the_two_is_refused(with_):
    with pytest.raises((WrongSigner, LoginRefused)):
        admitted(as_delegate(), with_)


def test_a_delegate_cannot_log_in_for_another_than_it_signed_for():
    # Both let the same key speak; what it signed names whom it speaks for.
    with pytest.raises(LoginRefused) as refused:
        admitted(as_delegate(), delegated(by=SELLER))
    assert refused.value.field == "principal"


def test_a_delegate_logs_in_by_text_with_its_principal_among_the_resources():
    resources = (*scope_uris(READ_LIST), account_uri(BUYER.address))
    told = message(by=HOT_KEY, resources=resources)
    caller, _ = admitted(siwe_claim(told, HOT_KEY), delegated())
    assert caller.account == BUYER.address
    assert caller.scopes == Scope.READ
    with pytest.raises(LoginRefused):
        admitted(siwe_claim(message(by=HOT_KEY), HOT_KEY), delegated())


# ------------------------------------------------------------------ origins and nonces


@pytest.mark.parametrize(
    "given_",
    [
        "https://registry.example",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://registry.example:8443",
        "http://localhost",
    ],
)
def test_an_origin_is_spelled_as_it_was_read(given_: str):
    assert str(Origin.parse(given_)) == given_
    parts = Origin.parse(given_)
    text = message(domain=parts.authority, uri=given_)
    assert siwe_claim(text, site=Site(parts, DOMAIN)).account == BUYER.address


@pytest.mark.parametrize(
    "given_",
    [
        "",
        "registry.example",
        "https://",
        "https://registry.example/",
        "https://registry.example/v1",
        "https://Registry.example",
        "HTTPS://registry.example",
        "https://registry.example:443",
        "http://registry.example:80",
        "https://registry.example:080",
        "https://registry.example:",
        "https://user@registry.example",
        "https://r\u0435gistry.example",
        "https://registry.example\n",
        "ftp://registry.example",
        "null",
        "*",
    ],
)
def test_an_origin_has_one_spelling(given_: str):
    with pytest.raises(ValueMalformed):
        Origin.parse(given_)


RANDOM = st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex())


@given(random=RANDOM, ends=st.integers(1, (1 << 40) - 1))
def test_a_nonce_is_known_again_until_it_expires_by_whoever_has_the_secret(random, ends):
    made = nonce(SECRET, random, ends)
    assert check_nonce(made, [b"another" * 8, SECRET], ends - 1) == ends
    for secrets, now in (([SECRET], ends), ([b"another" * 8], ends - 1), ([], ends - 1)):
        with pytest.raises(LoginRefused):
            check_nonce(made, secrets, now)


@given(random=RANDOM, place=st.integers(0, 31), change=st.integers(1, 255))
def test_no_byte_of_a_nonce_can_be_changed(random: str, place: int, change: int):
    raw = bytearray.fromhex(nonce(SECRET, random, NOW + 300)[2:])
    raw[place] ^= change
    with pytest.raises(LoginRefused):
        check_nonce("0x" + raw.hex(), [SECRET], NOW)


def test_a_nonce_from_nowhere_is_refused():
    for made in (NONCE, "0x" + "00" * 32, "0x" + "ff" * 32):
        with pytest.raises(LoginRefused):
            check_nonce(made, [SECRET], NOW)


def test_what_a_secret_is_used_for_does_not_meet():
    assert len({derived(SECRET, use) for use in ("token", "login nonce", "another")}) == 3


def test_a_nonce_fits_both_forms():
    made = nonce(SECRET, word("random"), NOW + 300)
    assert typed_claim(login(made)).nonce == siwe_claim(message(made)).nonce == made


def test_the_domain_of_a_login_is_the_escrow_s():
    assert Login.TYPE == (
        "Login(address account,bytes32 origin,bytes32 nonce,"
        "uint40 issuedAt,uint40 expiresAt,uint32 scope)"
    )
    assert Domain(1, "0x" + "11" * 20).separator != DOMAIN.separator
    assert checksum(BUYER.address) in message().text
