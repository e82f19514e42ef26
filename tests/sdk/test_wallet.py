"""Wallets: the key signs, and is never shown."""

import copy
import pickle
import stat
import traceback

import pytest
from eth_account import Account

from marketplace.core.errors import KeyUnreadable
from marketplace.core.signature import address_of
from marketplace.core.values import keccak
from marketplace.sdk import Wallet

KEY = keccak(b"a key of the tests")
DIGEST = "0x" + keccak(b"a message").hex()
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def spellings(key: bytes) -> list[str]:
    return [key.hex(), str(key), str(int.from_bytes(key, "big"))]


def shows_the_key(told: str) -> bool:
    return any(spelling.lower() in told.lower() for spelling in spellings(KEY))


def told_with_locals(error: BaseException) -> str:
    """The traceback as the most talkative handler prints it, without this file's frame."""
    below = error.with_traceback(error.__traceback__.tb_next)
    shown = traceback.TracebackException.from_exception(below, capture_locals=True)
    return "".join(shown.format())


@pytest.mark.parametrize(
    "show", [repr, str, format, "{0!a}".format, lambda wallet: f"{[wallet]} { ({'of': wallet}) }"]
)
def test_a_wallet_shows_its_address_and_not_its_key(show):
    told = show(Wallet(KEY))
    assert address_of(KEY) in told
    assert not shows_the_key(told)


def test_a_traceback_with_all_its_locals_does_not_show_the_key():
    with pytest.raises(ValueError, match="hex") as refused:
        Wallet(KEY).sign("0x no digest")
    told = told_with_locals(refused.value)
    assert "in sign" in told
    assert not shows_the_key(told)


def test_vars_find_no_key():
    with pytest.raises(TypeError):
        vars(Wallet(KEY))


@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_wallet_is_neither_pickled_nor_copied(leave):
    with pytest.raises(TypeError, match="not pickled") as refused:
        leave(Wallet(KEY))
    assert not shows_the_key(str(refused.value))


def test_a_saved_wallet_is_the_owners_alone_and_loads_again(tmp_path):
    path = tmp_path / "a.key"
    Wallet(KEY).save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Wallet.load(path).address == address_of(KEY)
    assert Wallet.load(str(path)).sign(DIGEST) == Wallet(KEY).sign(DIGEST)


def test_save_never_overwrites(tmp_path):
    path = tmp_path / "a.key"
    path.write_text("something dear")
    with pytest.raises(FileExistsError):
        Wallet(KEY).save(path)
    assert path.read_text() == "something dear"


@pytest.mark.parametrize("text", [KEY.hex(), "0x" + KEY.hex(), f"  {KEY.hex().upper()}\n"])
def test_load_takes_hex_with_and_without_its_prefix(tmp_path, text):
    path = tmp_path / "a.key"
    path.write_text(text)
    assert Wallet.load(path).address == address_of(KEY)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        KEY.hex()[:-2].encode(),
        KEY.hex().encode() + b"00",
        b"not hex: " + KEY.hex().encode(),
        KEY,
        b"\xff" + KEY.hex().encode(),
        b"00" * 32,
        f"{ORDER:x}".encode(),
    ],
    ids=["empty", "short", "long", "words", "raw", "not UTF-8", "zero", "the group's order"],
)
def test_an_unusable_key_file_is_refused_by_path_and_its_content_is_not_quoted(tmp_path, content):
    path = tmp_path / "broken.key"
    path.write_bytes(content)
    with pytest.raises(KeyUnreadable) as refused:
        Wallet.load(path)
    assert refused.value.path == str(path)
    told = told_with_locals(refused.value)
    assert KEY.hex()[:16] not in told
    assert not shows_the_key(told)


def test_a_missing_key_file_is_refused_by_path(tmp_path):
    with pytest.raises(KeyUnreadable, match="FileNotFoundError"):
        Wallet.load(tmp_path / "none.key")


def test_signatures_are_those_of_eth_account():
    signed = Account.unsafe_sign_hash(DIGEST, KEY)
    assert Wallet(KEY).sign(DIGEST) == "0x" + bytes(signed.signature).hex()


def test_transactions_are_signed_as_eth_account_does():
    transaction = {
        "type": 2,
        "chainId": 31337,
        "nonce": 0,
        "to": "0x" + "11" * 20,
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 2,
        "maxPriorityFeePerGas": 1,
    }
    signed = Wallet(KEY).sign_transaction(dict(transaction))
    assert signed.raw_transaction == Account.sign_transaction(transaction, KEY).raw_transaction


def test_two_new_wallets_are_two_accounts():
    assert Wallet.create().address != Wallet.create().address
