"""Reading an escrow over JSON-RPC."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from requests.exceptions import RequestException
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError, Web3Exception
from web3.types import BlockIdentifier, RPCEndpoint

from marketplace.adapters.evm.artifact import load
from marketplace.adapters.evm.factory import escrow_address
from marketplace.adapters.evm.reverts import named
from marketplace.core.deal import Deal, DealState
from marketplace.core.eip712 import Domain
from marketplace.core.errors import ChainUnavailable, EscrowAbsent, EscrowUnknown
from marketplace.core.feasibility import ChainFacts, PartyFacts
from marketplace.core.terms import Terms
from marketplace.core.values import Address, Digest
from marketplace.ports.chain import DealEvent, Holding

DEAL_EVENTS = ("Opened", "Swapped", "Delivered", "Noticed", "Disputed", "Ruled", "Paid")
TIMEOUT_SECONDS = 30


def connect(rpc_url: str) -> Web3:
    """A client of a JSON-RPC endpoint."""
    # web3 asks for the chain's id before each call; an endpoint has one.
    asked_once = {RPCEndpoint("eth_chainId")}
    return Web3(
        HTTPProvider(
            rpc_url,
            request_kwargs={"timeout": TIMEOUT_SECONDS},
            cache_allowed_requests=True,
            cacheable_requests=asked_once,
        )
    )


@contextmanager
def naming(operation: str, rpc_url: str) -> Iterator[None]:
    """Turn what the node and the contract say into named errors."""
    try:
        yield
    except ContractLogicError as error:
        data = error.data if isinstance(error.data, str) else None
        raise named(operation, data, str(error)) from None
    except RequestException as error:
        raise ChainUnavailable(rpc_url, type(error).__name__) from None
    except Web3Exception as error:
        raise ChainUnavailable(rpc_url, f"{type(error).__name__}: {error}"[:200]) from None


class EvmView:
    """An escrow on an EVM chain, read without a key."""

    def __init__(self, rpc_url: str, escrow: Address) -> None:
        self._rpc_url = rpc_url
        self.web3 = connect(rpc_url)
        self.escrow = self.web3.eth.contract(to_checksum_address(escrow), abi=load("Escrow").abi)
        with naming("connect", rpc_url):
            self._domain = Domain(self.web3.eth.chain_id, escrow)

    @property
    def domain(self) -> Domain:
        """The domain of the escrow that is read."""
        return self._domain

    def now(self) -> int:
        """The latest block's time."""
        with naming("now", self._rpc_url):
            return int(self.web3.eth.get_block("latest")["timestamp"])

    def epoch(self, account: Address) -> int:
        """The account's current epoch."""
        return int(self._read("epoch", to_checksum_address(account)))

    def facts(self, terms: Terms) -> ChainFacts:
        """What feasibility asks of the chain."""
        with naming("facts", self._rpc_url):
            exists = bool(self.web3.eth.get_code(self.web3.to_checksum_address(terms.token)))
        if not exists:
            nothing = PartyFacts(0, nonce_spent=False, balance=0, allowance=0)
            return ChainFacts(token_exists=False, buyer=nothing, seller=nothing)
        return ChainFacts(
            token_exists=True,
            buyer=self._party(terms.token, terms.buyer, terms.buyer_nonce),
            seller=self._party(terms.token, terms.seller, terms.seller_nonce),
        )

    def nonce_spent(self, account: Address, nonce: int) -> bool:
        """Whether the account's nonce is used."""
        return bool(self._read("nonceSpent", to_checksum_address(account), nonce))

    def position(self, deal: Digest, depth: int = 0) -> Deal:
        """A deal's position ``depth`` blocks ago."""
        with naming("position", self._rpc_url):
            block: BlockIdentifier = self.web3.eth.block_number - depth if depth else "latest"
            call = self.escrow.functions.position(bytes.fromhex(deal[2:]))
            state, *rest = call.call(block_identifier=block)
        return Deal(DealState(state), *rest)

    def balance(self, token: Address, account: Address) -> int:
        """A token balance, in base units."""
        with naming("balance", self._rpc_url):
            return int(self.token(token).functions.balanceOf(to_checksum_address(account)).call())

    def holding(self, token: Address, account: Address) -> Holding:
        """What the escrow holds for an account outside its deals."""
        amount = self._read("balance", to_checksum_address(token), to_checksum_address(account))
        bound, leaves_at = self._read("bound", to_checksum_address(account))
        return Holding(int(amount), bool(bound), int(leaves_at))

    def allowance(self, token: Address, account: Address) -> int:
        """What the escrow may pull from an account, in base units."""
        spender = to_checksum_address(self._domain.verifying_contract)
        with naming("allowance", self._rpc_url):
            return int(
                self.token(token).functions.allowance(to_checksum_address(account), spender).call()
            )

    def height(self) -> int:
        """The latest block's number."""
        with naming("height", self._rpc_url):
            return int(self.web3.eth.block_number)

    def events(self, first: int = 0, last: int | None = None) -> list[DealEvent]:
        """Events about deals, in order; names and arguments as in ``IEscrow``."""
        with naming("events", self._rpc_url):
            until = "latest" if last is None else last
            filters = {"address": self.escrow.address, "fromBlock": first, "toBlock": until}
            logs = self.web3.eth.get_logs(filters)  # type: ignore[arg-type]  # web3's own TypedDict
            times: dict[int, int] = {}
            found = [self._event(log, times) for log in logs]
        return [event for event in found if event is not None]

    def has_code(self, contract: Address) -> bool:
        """Whether there is a contract at an address."""
        with naming("has_code", self._rpc_url):
            return bool(self.web3.eth.get_code(to_checksum_address(contract)))

    def gas(self, transaction: Digest) -> int:
        """What a mined transaction used, in units of gas."""
        with naming("gas", self._rpc_url):
            receipt = self.web3.eth.get_transaction_receipt(HexBytes(transaction))
        return int(receipt["gasUsed"])

    def check_escrow(self) -> None:
        """Raise unless this is the genuine escrow: EscrowUnknown or EscrowAbsent."""
        escrow = self._domain.verifying_contract
        if escrow != escrow_address():
            raise EscrowUnknown(escrow, escrow_address())
        with naming("check_escrow", self._rpc_url):
            code = self.web3.eth.get_code(self.escrow.address)
        if not code:
            raise EscrowAbsent(escrow, self._domain.chain_id)

    def token(self, token: Address) -> Any:  # noqa: ANN401 web3 builds contract classes at run time
        """An ERC-20 contract."""
        return self.web3.eth.contract(to_checksum_address(token), abi=load("CreditToken").abi)

    def _read(self, function: str, *arguments: object) -> Any:  # noqa: ANN401 decided by the ABI
        with naming(function, self._rpc_url):
            return self.escrow.get_function_by_name(function)(*arguments).call()

    def _party(self, token: Address, account: Address, nonce: int) -> PartyFacts:
        held = self.holding(token, account)
        return PartyFacts(
            epoch=self.epoch(account),
            nonce_spent=self.nonce_spent(account, nonce),
            balance=self.balance(token, account),
            allowance=self.allowance(token, account),
            bound_balance=held.amount if held.bound else None,
        )

    def _event(self, log: Any, times: dict[int, int]) -> DealEvent | None:  # noqa: ANN401 a web3 log
        for name in DEAL_EVENTS:
            event = self.escrow.get_event_by_name(name)
            if bytes(log["topics"][0]) != bytes.fromhex(event.topic[2:]):
                continue
            given = dict(event.process_log(log)["args"])
            block = int(log["blockNumber"])
            if block not in times:
                times[block] = int(self.web3.eth.get_block(block)["timestamp"])
            deal = "0x" + bytes(given.pop("deal")).hex()
            values = {key: _plain(value) for key, value in given.items()}
            transaction = "0x" + bytes(log["transactionHash"]).hex()
            place = int(log["logIndex"])
            return DealEvent(name, deal, values, times[block], block, transaction, place)
        return None


def _plain(value: object) -> str | int:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return value if isinstance(value, int) else str(value).lower()
