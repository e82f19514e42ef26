"""Checkpoint notes before foreign judges: ours are opened by them, and theirs by us."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from claims import KEY, grown, included, noted
from hypothesis import given
from hypothesis import strategies as st
from judges import Case, accepted, go, sigstore

from marketplace.core.checkpoint import Checkpoint, LogKey
from marketplace.core.errors import CheckpointForeign, NoteMalformed, NoteUnsigned
from marketplace.core.note import Line, Note, Verifier

TREE = grown(5)
CLAIM = included(3, *TREE)
NOTE = noted(CLAIM.size, CLAIM.root)
VKEY = str(KEY.name.verifier)
# What a note is made of, what is nearly that, and what it must not have.
LETTERS = "\n \t\x00\x01\x7f\x85\xa0\u200b\u2014-+=/09azAZ:."


def asked(note: str, vkey: str = VKEY) -> Case:
    return {"check": "note", "note": note, "vkey": vkey}


def opened(note: str, vkey: str = VKEY) -> bool:
    """Our verdict, as a verifier of the ecosystem has it: by the Ed25519 key alone."""
    try:
        verifier, read = Verifier.parse(vkey), Note.parse(note)
        verifier.check(read)
        checkpoint = Checkpoint.parse(read.text)
    except (NoteMalformed, NoteUnsigned):
        return False
    return checkpoint.origin == verifier.name


def changed(note: str, random: Random) -> str:
    """The note with one letter put in, taken out or changed, or a line taken out or twice."""
    at = random.randrange(len(note) + 1)
    letter = random.choice(LETTERS)
    lines = note.splitlines(keepends=True)
    line = random.randrange(len(lines))
    return random.choice(
        (
            note[:at] + letter + note[at:],
            note[:at] + note[at + 1 :],
            note[:at] + letter + note[at + 1 :],
            "".join(lines[:line] + lines[line + 1 :]),
            "".join([*lines[: line + 1], *lines[line:]]),
            "".join(random.sample(lines, len(lines))),
        )
    )


def bare(letter: str) -> str:
    """The note with a line of a stranger's below it, whose name has this letter in it."""
    return NOTE + str(Line(f"stranger{letter}name", b"\1\2\3\4", b"signature"))


def test_our_checkpoint_is_opened_by_go_and_by_sigstore():
    (verdict,) = go([asked(NOTE)])
    assert (verdict["origin"], verdict["size"]) == (KEY.origin, CLAIM.size)
    assert bytes.fromhex(verdict["root"]) == CLAIM.root
    assert accepted(sigstore([CLAIM.signed])) == [True]


@pytest.mark.parametrize("size", [0, 1, 999_999_999_999_999_999])
def test_checkpoint_of_any_size_is_opened_by_go(size: int):
    (verdict,) = go([asked(noted(size, CLAIM.root))])
    assert verdict["ok"]
    assert verdict["size"] == size


def test_checkpoint_of_another_key_or_under_another_name_is_refused_by_both():
    stranger = LogKey(KEY.origin, KEY.domain, bytes(32))
    elsewhere = LogKey("127.0.0.1:8001", KEY.domain, KEY.secret)
    keys = [str(key.name.verifier) for key in (stranger, elsewhere)]
    assert not any(accepted(go([asked(NOTE, key) for key in keys])))
    assert not any(accepted(sigstore([{**CLAIM.signed, "vkey": key} for key in keys])))
    assert not any(opened(NOTE, key) for key in keys)


def test_log_under_the_name_of_another_is_refused_by_all():
    # Its own key's name, but a text that begins with another's.
    note = signed(Checkpoint("registry.example", CLAIM.size, CLAIM.root).text)
    assert accepted(go([asked(note)])) == [False]
    assert not opened(note)
    with pytest.raises(CheckpointForeign):
        KEY.name.open(note)


def test_checkpoint_says_three_lines_and_nothing_else():
    text = Checkpoint(KEY.origin, CLAIM.size, CLAIM.root).text
    others = [text + "more\n", "\n".join(text.split("\n")[:2]) + "\n", text.replace("5", "05", 1)]
    assert [opened(signed(other)) for other in (text, *others)] == [True, False, False, False]
    assert accepted(go([asked(signed(other)) for other in (text, *others)])) == [
        True,
        False,
        False,
        False,
    ]


def signed(text: str) -> str:
    """Whatever text, signed by our key."""
    line = Line(KEY.origin, KEY.name.verifier.id, KEY._ed25519.sign(text.encode()))
    return str(Note(text, (line,)))


def test_root_of_another_tree_is_refused_by_sigstore():
    other = replace(CLAIM, root=grown(6)[1].tree.root)
    assert accepted(sigstore([CLAIM.signed, other.signed])) == [True, False]


@given(st.integers(0, (1 << 64) - 1))
def test_go_says_what_we_say_of_a_note_with_anything_changed(seed: int):
    random = Random(seed)  # noqa: S311 repeatable, not secret
    notes = [changed(NOTE, random) for _ in range(40)]
    for note, verdict in zip(notes, accepted(go([asked(note) for note in notes])), strict=True):
        # Go takes base64 with other bits in its padding, and so one signature in many spellings.
        assert opened(note) == verdict or (verdict and not canonical(note)), note


def canonical(note: str) -> bool:
    """Whether all base64 of a note is in its one spelling."""
    try:
        return str(Note.parse(note)) == note
    except NoteMalformed:
        return False


def test_signature_in_another_spelling_is_refused_by_us_alone():
    # 68 bytes leave two bits of the last letter without meaning.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = NOTE.index("=\n\u2014") - 1
    last = letters.index(NOTE[at])
    others = [NOTE[:at] + letters[last ^ bits] + NOTE[at + 1 :] for bits in (1, 2, 3)]
    assert all(accepted(go([asked(note) for note in others])))
    assert not any(opened(note) for note in others)


@pytest.mark.parametrize("letter", LETTERS)
def test_lines_of_strangers_are_passed_over_where_go_passes_them_over(letter: str):
    assert [opened(bare(letter))] == accepted(go([asked(bare(letter))]))


def test_note_with_a_wrong_signature_of_the_key_is_refused_even_with_a_right_one_below():
    text, signatures = NOTE.split("\n\n")
    wrong = Line(KEY.origin, KEY.name.verifier.id, bytes(64))
    note = f"{text}\n\n{wrong}{signatures}"
    assert accepted(go([asked(note)])) == [False]
    assert not opened(note)


@pytest.mark.parametrize("size", [0, 1, 300])
def test_checkpoint_that_go_signed_is_opened_by_us(size: int, tmp_path: Path):
    records = [record.hex() for record in grown(size)[0]]
    case = {"check": "make", "base": str(tmp_path), "origin": "go.example/log", "records": records}
    (made,) = go([case])
    note = (tmp_path / "checkpoint").read_text()
    assert opened(note, made["vkey"])
    assert Checkpoint.parse(Note.parse(note).text).tree == (size, grown(size)[1].tree.root)
    assert not opened(note.replace("go.example", "Go.example"), made["vkey"])
