"""The escrow's address proves its code, its constructor and its first storage."""

import pytest
from eth_account import Account
from web3 import Web3

from marketplace.adapters.evm.artifact import load
from marketplace.adapters.evm.deploy import Deployer
from marketplace.adapters.evm.devchain import DevChain
from marketplace.adapters.evm.factory import (
    FACTORY,
    FACTORY_SENDER,
    FACTORY_TRANSACTION,
    created_at,
    escrow_address,
)
from marketplace.adapters.evm.view import EvmView
from marketplace.core.errors import EscrowAbsent, EscrowUnknown


def test_the_factory_s_transaction_is_of_its_known_sender_and_makes_its_known_address():
    sender = Account.recover_transaction(FACTORY_TRANSACTION)
    assert sender.lower() == FACTORY_SENDER
    # keccak(rlp([sender, 0])): what CREATE gives to a first transaction.
    encoded = b"\xd6\x94" + bytes.fromhex(FACTORY_SENDER[2:]) + b"\x80"
    assert "0x" + Web3.keccak(encoded)[12:].hex() == FACTORY


def test_addresses_are_those_of_eip_1014():
    # The formula in web3's own words, as a second implementation.
    code = b"\x60\x00"
    preimage = "0xff" + FACTORY[2:] + "00" * 32 + Web3.keccak(code).hex().removeprefix("0x")
    assert created_at(code) == "0x" + Web3.keccak(hexstr=preimage)[12:].hex()
    assert created_at(code) != created_at(code + b"\x00")


def test_the_escrow_is_at_its_one_address_and_deploying_again_changes_nothing(devchain: DevChain):
    deployer = Deployer(devchain.rpc_url, devchain.keys[0])
    assert deployer.deploy().escrow == deployer.deploy().escrow == escrow_address()
    view = EvmView(devchain.rpc_url, escrow_address())
    view.check_escrow()
    assert view.escrow.functions.eip712Domain().call()[3:5] == [
        devchain.chain_id,
        Web3.to_checksum_address(escrow_address()),
    ]


def test_the_same_code_at_another_address_is_refused_with_both_addresses(devchain: DevChain):
    # What a thief does: a constructor of its own, and then the very code of the escrow.
    web3 = Web3(Web3.HTTPProvider(devchain.rpc_url))
    account = Account.from_key(devchain.keys[1])
    contract = web3.eth.contract(abi=load("Escrow").abi, bytecode=load("Escrow").bytecode)
    head = {"from": account.address, "nonce": web3.eth.get_transaction_count(account.address)}
    signed = account.sign_transaction(contract.constructor().build_transaction(head))
    sent = web3.eth.send_raw_transaction(signed.raw_transaction)
    lookalike = str(web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]).lower()
    with pytest.raises(EscrowUnknown) as refused:
        EvmView(devchain.rpc_url, lookalike).check_escrow()
    assert refused.value.values == {"escrow": lookalike, "expected": escrow_address()}


def test_a_chain_without_the_escrow_is_told_so(devchain: DevChain):
    view = EvmView(devchain.rpc_url, escrow_address())
    with pytest.raises(EscrowAbsent) as refused:
        view.check_escrow()
    assert refused.value.values == {"escrow": escrow_address(), "chain_id": devchain.chain_id}
