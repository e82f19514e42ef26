"""The golden vectors, judged by the core, by eth-account and by Foundry's cast."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from marketplace.core.consent import Bulk, Settlement, Voucher
from marketplace.core.eip712 import Domain, Typed, typed_data
from marketplace.core.errors import ParleyError
from marketplace.core.login import Login
from marketplace.core.message import SHAPES, VERSION_1, VERSION_2
from marketplace.core.signature import address_of, recover, sign, verify
from marketplace.core.terms import Credits
from marketplace.core.words import Reason, Rejection, Upload

Vector = dict[str, Any]

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "tests" / "vectors"
VECTORS: list[Vector] = [
    one
    for name in ("terms", "messages", "logins", "version1", "deals")
    for one in json.loads((FOLDER / f"{name}.json").read_text())["vectors"]
]
WORDS = {shape.body for shape in VERSION_2.values() if shape.body} | {Upload}
STRUCTS: dict[str, set[type[Typed]]] = {
    "1": {shape.body for shape in VERSION_1.values() if shape.body} | {Upload},
    "2": WORDS | {Voucher, Settlement, Bulk, Credits, Login},
}
every_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])


def parsed(vector: Vector) -> tuple[Typed, Domain]:
    document = vector["typed_data"]
    stated = document["domain"]
    domain = Domain(
        stated["chainId"], stated["verifyingContract"], stated["name"], stated["version"]
    )
    named = {struct.NAME: struct for struct in STRUCTS[domain.version]}
    return named[document["primaryType"]].from_message(document["message"]), domain


@pytest.mark.parametrize("version", list(SHAPES))
def test_every_struct_of_each_version_has_a_vector(version: str):
    structs = [parsed(vector) for vector in VECTORS]
    assert STRUCTS[version] == {type(one) for one, domain in structs if domain.version == version}


@pytest.mark.parametrize("struct", sorted(STRUCTS["2"], key=lambda struct: struct.NAME))
def test_some_vector_of_each_struct_fills_every_field_differently(struct: type[Typed]):
    found = [one for one in (parsed(vector)[0] for vector in VECTORS) if type(one) is struct]
    told = [[getattr(one, field.name) for field in struct.FIELDS] for one in found]
    # Two fields of one type with one value could be swapped unseen.
    assert any(len({*map(str, values)}) == len(values) and all(values) for values in told)


def test_every_reason_has_a_vector():
    given = {one.reason for one, _ in map(parsed, VECTORS) if isinstance(one, Rejection)}
    assert given >= set(Reason)


@every_vector
def test_core_computes_every_hash_of_the_vector(vector: Vector):
    struct, domain = parsed(vector)
    assert vector["type"] == struct.TYPE
    assert "0x" + struct.TYPE_HASH.hex() == vector["type_hash"]
    assert "0x" + struct.struct_hash().hex() == vector["struct_hash"]
    assert "0x" + domain.separator.hex() == vector["domain_separator"]
    assert struct.digest(domain) == vector["digest"]
    assert typed_data(struct, domain) == vector["typed_data"]


@every_vector
def test_core_signs_and_recovers_as_the_vector_says(vector: Vector):
    key = bytes.fromhex(vector["test_key"][2:])
    assert address_of(key) == vector["signer"]
    assert sign(vector["digest"], key) == vector["signature"]
    verify(vector["digest"], vector["signature"], vector["signer"])


@every_vector
def test_eth_account_agrees_with_the_vector(vector: Vector):
    message = encode_typed_data(full_message=vector["typed_data"])
    signed = Account.sign_message(message, vector["test_key"])
    assert "0x" + signed.message_hash.hex() == vector["digest"]
    assert "0x" + signed.signature.hex() == vector["signature"]
    recovered = Account.recover_message(message, signature=vector["signature"])
    assert recovered.lower() == vector["signer"]


@every_vector
def test_flipped_byte_of_a_signature_never_recovers_the_signer(vector: Vector):
    for place in range(65):
        raw = bytearray.fromhex(vector["signature"][2:])
        raw[place] ^= 1
        try:
            recovered = recover(vector["digest"], "0x" + raw.hex())
        except ParleyError:
            continue
        assert recovered != vector["signer"]


def cast(*arguments: str) -> subprocess.CompletedProcess[str]:
    binary = next((ROOT / "node_modules" / "@foundry-rs").glob("cast-*/bin/cast"), None)
    if binary is None:
        pytest.fail("cast is not installed: run make install")
    return subprocess.run(
        [str(binary), "wallet", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.node
@every_vector
def test_cast_signs_the_typed_data_to_the_same_bytes(vector: Vector):
    document = json.dumps(vector["typed_data"])
    signed = cast("sign", "--data", document, "--private-key", vector["test_key"])
    assert signed.stdout.strip() == vector["signature"], signed.stderr


@pytest.mark.node
@every_vector
def test_cast_verifies_the_signature_and_refuses_a_flipped_byte(vector: Vector):
    document, signer = json.dumps(vector["typed_data"]), vector["signer"]
    good = cast("verify", "--data", "--address", signer, document, vector["signature"])
    assert good.returncode == 0, good.stderr
    raw = bytearray.fromhex(vector["signature"][2:])
    raw[10] ^= 1
    bad = cast("verify", "--data", "--address", signer, document, "0x" + raw.hex())
    assert bad.returncode != 0
