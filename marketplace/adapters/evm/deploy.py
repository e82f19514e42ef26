"""Deploy Parley's contracts on a development chain, and fund its accounts."""

from dataclasses import dataclass

from eth_account import Account
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.types import TxParams

from marketplace.adapters.evm.artifact import load
from marketplace.adapters.evm.factory import (
    FACTORY,
    FACTORY_SENDER,
    FACTORY_TRANSACTION,
    FACTORY_WEI,
    SALT,
    anchor_address,
    batch_address,
    batch_code,
    escrow_address,
)
from marketplace.adapters.evm.view import connect
from marketplace.core.values import Address

RECEIPT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the contracts are."""

    chain_id: int
    escrow: Address
    token: Address


class Deployer:
    """Deploys and mints from one funded key of a development chain."""

    def __init__(self, rpc_url: str, key: bytes) -> None:
        self._web3 = connect(rpc_url)
        self._account = Account.from_key(key)

    def deploy(self) -> Deployment:
        """Escrow, batch and anchor at their one address each, a token that this key mints."""
        self._deploy_factory()
        self._deploy_at(escrow_address(), load("Escrow").bytecode)
        self._deploy_at(batch_address(), batch_code())
        self._deploy_at(anchor_address(), load("CheckpointAnchor").bytecode)
        token = self._create("CreditToken", self._account.address)
        return Deployment(self._web3.eth.chain_id, escrow_address(), token)

    def mint(self, token: Address, account: Address, amount: int) -> None:
        """Credits for an account, in base units."""
        contract = self._web3.eth.contract(to_checksum_address(token), abi=load("CreditToken").abi)
        call = contract.functions.mint(to_checksum_address(account), amount)
        self._send(call.build_transaction(self._head()))

    def give_gas(self, account: Address, wei: int) -> None:
        """Ether for an account, to pay for gas."""
        to: TxParams = {"to": to_checksum_address(account), "value": Web3.to_wei(wei, "wei")}
        self._send(self._priced({**self._head(), **to, "gas": 21_000}))

    def _deploy_factory(self) -> None:
        if not self._has_code(FACTORY):
            self.give_gas(FACTORY_SENDER, FACTORY_WEI)
            self._web3.eth.send_raw_transaction(FACTORY_TRANSACTION)

    def _deploy_at(self, address: Address, creation_code: bytes) -> None:
        if not self._has_code(address):
            data, factory = SALT + creation_code, to_checksum_address(FACTORY)
            call: TxParams = {**self._head(), "to": factory, "data": data}
            gas = self._web3.eth.estimate_gas(call)
            self._send(self._priced({**call, "gas": gas}))

    def _has_code(self, address: Address) -> bool:
        return bool(self._web3.eth.get_code(to_checksum_address(address)))

    def _create(self, name: str, *arguments: str) -> Address:
        artifact = load(name)
        contract = self._web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        return self._send(contract.constructor(*arguments).build_transaction(self._head()))

    def _head(self) -> TxParams:
        account = self._account.address
        return {"from": account, "nonce": self._web3.eth.get_transaction_count(account)}

    def _priced(self, transaction: TxParams) -> TxParams:
        fee = self._web3.eth.gas_price
        return {
            **transaction,
            "maxFeePerGas": Web3.to_wei(fee * 2, "wei"),
            "maxPriorityFeePerGas": Web3.to_wei(min(fee, self._web3.eth.max_priority_fee), "wei"),
            "chainId": self._web3.eth.chain_id,
        }

    def _send(self, transaction: TxParams) -> Address:
        signed = self._account.sign_transaction(dict(transaction))
        sent = self._web3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = self._web3.eth.wait_for_transaction_receipt(sent, RECEIPT_SECONDS, 0.02)
        if receipt["status"] != 1:
            raise RuntimeError(f"deployment transaction {sent.hex()} reverted")
        return str(receipt["contractAddress"] or "").lower()
