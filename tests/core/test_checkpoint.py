"""Checkpoints and notes: what is signed, by which keys, and what is refused."""

import base64
from hashlib import sha256

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.checkpoint import Checkpoint, LogKey, log_domain
from marketplace.core.errors import (
    CheckpointForeign,
    NoteMalformed,
    NoteUnsigned,
    ParleyError,
    WrongSigner,
)
from marketplace.core.merkle import leaf_hash
from marketplace.core.note import LARGEST_NOTE, MOST_LINES, Line, Note, Verifier

DOMAIN = log_domain(31337, "0x" + "5a" * 20)
KEY = LogKey("registry.example", DOMAIN, bytes(range(32)))
OTHER = LogKey("registry.example", DOMAIN, bytes(range(1, 33)))
CHECKPOINT = Checkpoint("registry.example", 7, leaf_hash(b"seven"))
NOTE = KEY.note(CHECKPOINT, KEY.sign(CHECKPOINT))

# The example of the C2SP signed-note specification's reference implementation
# (golang.org/x/mod/sumdb/note, package example): key, text and signature.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SIGNED = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfq"
    "dngotpRZb6KE6RyyBwJnAM=\n"
)


def test_published_note_is_read_verified_and_written_again_as_it_was():
    verifier = Verifier.parse(VKEY)
    assert str(verifier) == VKEY
    note = Note.parse(SIGNED)
    verifier.check(note)
    assert str(note) == SIGNED
    with pytest.raises(NoteUnsigned):
        verifier.check(Note.parse(SIGNED.replace("answer", "Answer")))


@pytest.mark.parametrize("letter", ["\0", "\t", "\r", "\x1f"])
def test_note_with_a_control_character_is_none_even_in_the_name_of_a_stranger(letter: str):
    stranger = Line(f"stranger{letter}", b"\1\2\3\4", b"signature")
    with pytest.raises(NoteMalformed):
        Note.parse(NOTE + str(stranger))


def test_note_with_a_wrong_signature_of_the_key_is_refused_even_with_a_right_one_below():
    note = Note.parse(SIGNED)
    wrong = Line(note.lines[0].name, note.lines[0].id, bytes(64))
    with pytest.raises(NoteUnsigned):
        Verifier.parse(VKEY).check(Note(note.text, (wrong, *note.lines)))


def test_both_signatures_of_a_note_are_the_logs():
    checkpoint, signature = KEY.name.open(NOTE)
    assert checkpoint == CHECKPOINT
    assert signature == KEY.sign(CHECKPOINT)


def test_eip712_digest_is_the_one_that_a_foreign_library_signs():
    signable = encode_typed_data(full_message=CHECKPOINT.typed_data(DOMAIN))
    assert Account.recover_message(signable, signature=KEY.sign(CHECKPOINT)).lower() == (
        KEY.name.key
    )


def test_keys_of_a_log_follow_from_its_secret_and_never_show_in_its_words():
    again = LogKey(KEY.origin, DOMAIN, KEY.secret)
    assert again.name == KEY.name != OTHER.name
    _ = KEY.name, KEY.sign(CHECKPOINT)
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)


@pytest.mark.parametrize("where", range(0, len(NOTE), 3))
def test_note_with_any_changed_character_is_refused(where: int):
    changed = NOTE[:where] + ("A" if NOTE[where] != "A" else "B") + NOTE[where + 1 :]
    with pytest.raises(ParleyError):
        KEY.name.open(changed)


def test_note_without_one_of_the_two_signatures_is_refused():
    head, _, below = NOTE.rpartition("\n\n")
    first, second = below.splitlines(keepends=True)
    for line in (first, second):
        with pytest.raises(NoteUnsigned):
            KEY.name.open(f"{head}\n\n{line}")
    KEY.name.open(f"{head}\n\n{second}{first}")


def test_signatures_of_unknown_keys_are_passed_over():
    stranger = "\u2014 witness.example " + base64.b64encode(bytes(70)).decode() + "\n"
    KEY.name.open(NOTE + stranger)


def test_checkpoint_of_another_key_origin_chain_or_contract_is_refused():
    with pytest.raises(NoteUnsigned):
        KEY.name.open(OTHER.note(CHECKPOINT, OTHER.sign(CHECKPOINT)))
    foreign = Checkpoint("other.example", 7, CHECKPOINT.root)
    with pytest.raises(CheckpointForeign):
        KEY.name.open(KEY.note(foreign, KEY.sign(foreign)))
    for domain in (log_domain(1, DOMAIN.verifying_contract), log_domain(31337, "0x" + "11" * 20)):
        elsewhere = LogKey(KEY.origin, domain, KEY.secret)
        with pytest.raises(WrongSigner):
            KEY.name.open(KEY.note(CHECKPOINT, elsewhere.sign(CHECKPOINT)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n01\n" + CHECKPOINT.text.splitlines()[2] + "\n",
        "a\n-1\n" + CHECKPOINT.text.splitlines()[2] + "\n",
        "a\n1\n" + base64.b64encode(bytes(31)).decode() + "\n",
        "a\n1\n" + "=" * 44 + "\n",
        CHECKPOINT.text + "extension\n",
        "\n1\n" + CHECKPOINT.text.splitlines()[2] + "\n",
    ],
)
def test_other_texts_are_no_checkpoints(text: str):
    with pytest.raises(NoteMalformed):
        Checkpoint.parse(text)


@given(st.text(max_size=300))
def test_any_text_is_a_note_of_this_log_or_refused_by_name(told: str):
    with pytest.raises(ParleyError):
        KEY.name.open(told)


@given(st.integers(0, 2**53), st.binary(min_size=32, max_size=32))
def test_text_of_a_checkpoint_is_read_back(size: int, root: bytes):
    checkpoint = Checkpoint("registry.example", size, root)
    assert Checkpoint.parse(checkpoint.text) == checkpoint


def test_root_has_one_spelling():
    # 43 letters carry two bits more than 32 bytes have.
    text = CHECKPOINT.text
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = text[-3]
    other = letters[letters.index(last) ^ 1]
    assert base64.b64decode(f"{text.split()[2][:-2]}{other}=") == CHECKPOINT.root
    with pytest.raises(NoteMalformed):
        Checkpoint.parse(f"{text[:-3]}{other}=\n")


def test_note_of_many_signatures_or_letters_is_none():
    stranger = str(Line("stranger", b"\1\2\3\4", b"signature"))
    assert len(Note.parse(NOTE + stranger * (MOST_LINES - 2)).lines) == MOST_LINES
    with pytest.raises(NoteMalformed):
        Note.parse(NOTE + stranger * (MOST_LINES - 1))
    long = str(Line("stranger", b"\1\2\3\4", bytes(LARGEST_NOTE)))
    with pytest.raises(NoteMalformed):
        Note.parse(NOTE + long)


@pytest.mark.parametrize(
    "told",
    [
        VKEY.replace("c74f20a3", "c74f20a4"),
        VKEY.replace("c74f20a3+", "+"),
        str(Verifier("two words", bytes(32))),
        str(Verifier("", bytes(32))),
        VKEY[:-4],
    ],
)
def test_key_that_is_not_named_as_it_should_be_is_none(told: str):
    with pytest.raises(NoteMalformed):
        Verifier.parse(told)


def test_two_keys_of_a_log_have_two_secrets():
    # Whoever learns the one has not learned the other, nor what both come from.
    secrets = {KEY._secp256k1, KEY._ed25519.private_bytes_raw(), KEY.secret}
    assert len(secrets) == 3


def test_signature_for_contracts_stands_under_the_id_of_its_key():
    address = bytes.fromhex(KEY.name.key[2:])
    named = b"registry.example\n\xffparley.org/eip712-checkpoint" + address
    assert Note.parse(NOTE).lines[1].id == sha256(named).digest()[:4]
