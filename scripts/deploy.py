"""Deploy the contracts with Ape, at the address that each has everywhere.

    ape run deploy --network ethereum:sepolia:URL --account NAME

Each contract is made by the deterministic deployer (EIP-1014) from the checked-in artifact, so
that its address is a function of its bytes and nothing is compiled here. What was deployed is
recorded in deployments/CHAIN_ID.json. The same deployment again changes nothing; one that
differs from its record is refused before anything is sent.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import click
from ape.api import AccountAPI, ProviderAPI, ReceiptAPI
from ape.cli import ConnectedProviderCommand, account_option
from ape.utils import ManagerAccessMixin
from eth_utils import to_checksum_address

from marketplace.adapters.evm.artifact import load
from marketplace.adapters.evm.factory import (
    FACTORY,
    FACTORY_SENDER,
    FACTORY_TRANSACTION,
    FACTORY_WEI,
    SALT,
    batch_code,
    created_at,
    exchange_arbiter_code,
)
from marketplace.core.values import Address, keccak

# Each contract's creation code, constructor arguments included, in the order of deployment.
CONTRACTS = {
    "Escrow": load("Escrow").bytecode,
    "Batch": batch_code(),
    "ExchangeArbiter": exchange_arbiter_code(),
    "CheckpointAnchor": load("CheckpointAnchor").bytecode,
}
ROOT = Path(__file__).resolve().parents[1]
ARTIFACTS = ROOT / "marketplace/adapters/evm/artifacts"
RECEIPT_SECONDS = 300
IDENTITY = ("address", "creation_code_keccak256")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract as its artifact has it.

    Attributes:
        name: the artifact's name.
        code: creation code, constructor arguments included.
        runtime: deployed code, with zeros where the constructor writes immutables.
        immutables: (start, length) of each of those places, in bytes.
        compiler: release and commit.
    """

    name: str
    code: bytes
    runtime: bytes
    immutables: tuple[tuple[int, int], ...]
    compiler: str

    @classmethod
    def read(cls, name: str, code: bytes) -> Self:
        """The contract that a creation code and the checked-in artifact of its name describe."""
        found = json.loads((ARTIFACTS / f"{name}.json").read_text())
        return cls(
            name,
            code,
            bytes.fromhex(found["deployed_bytecode"].removeprefix("0x")),
            tuple((place["start"], place["length"]) for place in found["immutable_references"]),
            found["compiler"],
        )

    @property
    def address(self) -> Address:
        """Where it is on every chain that has it."""
        return created_at(self.code)

    def is_run_by(self, code: bytes) -> bool:
        """Whether deployed code is this contract's, whatever its constructor wrote into it."""
        blank = bytearray(code)
        for start, length in self.immutables:
            blank[start : start + length] = bytes(length)
        return bytes(blank) == self.runtime

    def entry(self, block: int | None, transaction: str | None) -> Json:
        """Its entry in the record; without block and transaction where somebody else made it."""
        return {
            "address": self.address,
            "block": block,
            "compiler": self.compiler,
            "creation_code_keccak256": "0x" + keccak(self.code).hex(),
            "transaction": transaction,
        }


@click.command(cls=ConnectedProviderCommand)
@account_option(prompt=False)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "deployments",
    help="Directory of the record.",
)
@click.option(
    "--make-factory",
    is_flag=True,
    help="Make the deterministic deployer where a live chain lacks it, for 0.01 ether.",
)
def cli(
    provider: ProviderAPI, account: AccountAPI | None, into: Path, *, make_factory: bool
) -> None:
    """Deploy at the one address, verify the code, record it."""
    chain = Chain(provider, account)
    path = into / f"{chain.id}.json"
    record = read(path)
    contracts = [Contract.read(name, code) for name, code in CONTRACTS.items()]
    refuse_difference(path, record, chain.id, contracts)
    missing = [each for each in contracts if not chain.code(each.address)]
    if not chain.is_disposable:
        refuse_vanished(path, record, chain.id, missing)
    if missing:
        chain.provide_factory(allowed=make_factory or chain.is_disposable)
    entries = dict(record.get("contracts", {}))
    for contract in contracts:
        if contract in missing:
            entries[contract.name] = chain.deploy(contract)
        chain.verify(contract)
        entries.setdefault(contract.name, contract.entry(None, None))
        write(path, {"chain_id": chain.id, "contracts": entries})
        said = "deployed" if contract in missing else "already there, nothing sent"
        click.echo(f"{contract.name} {contract.address} on chain {chain.id}: {said}")
    click.echo(f"record: {path}")


class Chain:
    """The chain that Ape is connected to, and the account that pays."""

    def __init__(self, provider: ProviderAPI, account: AccountAPI | None) -> None:
        self._provider = provider
        self._account = account
        self.id = int(provider.chain_id)
        # A development chain begins anew with each start, so a record of it binds nobody.
        self.is_disposable = bool(provider.network.is_dev)

    def code(self, address: Address) -> bytes:
        """The code at an address; empty where there is none."""
        return bytes(self._provider.get_code(to_checksum_address(address)))

    def provide_factory(self, *, allowed: bool) -> None:
        """Make the deterministic deployer unless it is there.

        Its sender has no key: what is sent there can only pay for the one transaction, and is
        lost where the chain refuses transactions without a chain id (EIP-155). So `allowed`.
        """
        if self.code(FACTORY):
            return
        if not allowed:
            raise click.ClickException(
                f"chain {self.id} has no deterministic deployer at {FACTORY}. If the chain takes "
                f"transactions without a chain id, --make-factory makes it: {FACTORY_WEI} wei go "
                f"to {FACTORY_SENDER}, and nobody can get them back."
            )
        lacking = FACTORY_WEI - self._provider.get_balance(to_checksum_address(FACTORY_SENDER))
        if lacking > 0:
            self._send(FACTORY_SENDER, value=lacking)
        sent = self._provider.web3.eth.send_raw_transaction(FACTORY_TRANSACTION)
        self._provider.web3.eth.wait_for_transaction_receipt(sent, RECEIPT_SECONDS)
        if not self.code(FACTORY):
            raise click.ClickException(
                f"transaction {sent.to_0x_hex()} made no deterministic deployer at {FACTORY}: "
                f"chain {self.id} does not create contracts as Ethereum does."
            )

    def deploy(self, contract: Contract) -> Json:
        """Have the deterministic deployer make it; its entry in the record."""
        receipt = self._send(FACTORY, data=SALT + contract.code)
        return contract.entry(receipt.block_number, receipt.txn_hash)

    def verify(self, contract: Contract) -> None:
        """Refuse a chain on which the contract's address runs another code."""
        code = self.code(contract.address)
        if not contract.is_run_by(code):
            raise click.ClickException(
                f"{contract.name} at {contract.address} runs code of keccak256 "
                f"0x{keccak(code).hex()}, {len(code)} bytes; the artifact says "
                f"{len(contract.runtime)} bytes that differ. Do not use it: chain {self.id} does "
                "not create code as Ethereum does."
            )

    def _send(self, to: Address, value: int = 0, data: bytes = b"") -> ReceiptAPI:
        return self._payer().transfer(to_checksum_address(to), value, data=data)

    def _payer(self) -> AccountAPI:
        if self._account is not None:
            return self._account
        if self.is_disposable:
            return ManagerAccessMixin.account_manager.test_accounts[0]
        raise click.ClickException(
            f"no account pays on chain {self.id}: give --account NAME, one of `ape accounts list` "
            "(`ape accounts import NAME` adds one), or TEST::0 on a development chain."
        )


def read(path: Path) -> Json:
    """The record of a chain; empty where there is none yet."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise click.ClickException(f"{path} is not JSON: {error}. Restore it.") from error
    return dict(found)


def write(path: Path, record: Json) -> None:
    """Write the record, with sorted keys, so that a diff shows only what changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")


def refuse_difference(path: Path, record: Json, chain_id: int, contracts: list[Contract]) -> None:
    """Refuse, before anything is sent, to replace a record by another deployment."""
    pairs = [("chain_id", record.get("chain_id", chain_id), chain_id)]
    for contract in contracts:
        planned = contract.entry(None, None)
        recorded = record.get("contracts", {}).get(contract.name, planned)
        pairs += [(f"{contract.name}.{key}", recorded.get(key), planned[key]) for key in IDENTITY]
    for what, recorded, planned in pairs:
        if recorded != planned:
            raise click.ClickException(
                f"{path} records another deployment: {what} is {recorded} there and {planned} "
                "now. Nothing was sent. Check out the version that made the record, or move the "
                "record away to deploy this one beside it."
            )


def refuse_vanished(path: Path, record: Json, chain_id: int, missing: list[Contract]) -> None:
    """Refuse a live chain that lacks what the record says it has: it is not the chain recorded."""
    for contract in missing:
        if contract.name in record.get("contracts", {}):
            raise click.ClickException(
                f"{path} records {contract.name} at {contract.address}, and chain {chain_id} has "
                "no code there. Nothing was sent. Is the node behind, or of another chain with "
                "that id? Move the record away only if the chain has begun anew."
            )
