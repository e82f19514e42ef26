"""A web3 client over plain HTTP, and contracts small enough to be written in bytecode."""

from typing import Any

from eth_account import Account
from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.types import TxReceipt

from marketplace.adapters.evm.devchain import DevChain

# Each is a whole runtime: the opcodes in order.
TIMESTAMP = "42 5f52 6020 5f f3"  # returns block.timestamp
STORE = "5f35 5f 55 00"  # slot 0 := first word of calldata
LOG = "5f35 5f52 602035 60aa 6020 5f a2 00"  # data := word 0, topics := 0xaa, word 1
CUSTOM_ERROR = "63deadbeef 60e0 1b 5f52 602a 6004 52 6024 5f fd"  # reverts with 0xdeadbeef, 42
REASON = (  # reverts with Error("no")
    "6308c379a0 60e0 1b 5f52 6020 6004 52 6002 6024 52 616e6f 60f0 1b 6044 52 6064 5f fd"
)
TRANSIENT = "6007 5f 5d 5f 5c 5f52 6020 5f f3"  # tstore(0, 7); returns tload(0)
ENDLESS = "5b 5f 56"
SELF_CALL = "5f5f5f5f5f 30 5a f1 00"  # calls itself with all gas until none is left
HUNGRY = "62030d40 5a 11 600c 57 5f5ffd 5b 00"  # reverts unless more than 200,000 gas is left


class Client:
    """One account at one chain, over its own HTTP connection."""

    def __init__(self, chain: DevChain, account: int = 0) -> None:
        self.w3 = Web3(HTTPProvider(chain.rpc_url))
        self.account = Account.from_key(chain.keys[account])

    def rpc(self, method: str, *params: object) -> dict[str, Any]:
        """The whole response to one request, error or result."""
        return dict(self.w3.provider.make_request(method, list(params)))

    def sign(self, **members: object) -> HexBytes:
        """A type-2 transaction in its wire form; `members` override, None drops one."""
        usual = {
            "type": 2,
            "chainId": 31337,
            "nonce": self.w3.eth.get_transaction_count(self.account.address),
            "gas": 1_000_000,
            "value": 0,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 10**9,
        }
        given = {k: v for k, v in (usual | members).items() if v is not None}
        return self.account.sign_transaction(given).raw_transaction

    def send(self, **members: object) -> TxReceipt:
        """Sign, send and wait for the receipt."""
        sent = self.w3.eth.send_raw_transaction(self.sign(**members))
        return self.w3.eth.wait_for_transaction_receipt(sent, timeout=10, poll_latency=0.005)

    def deploy(self, runtime: str) -> ChecksumAddress:
        """Put a runtime on the chain, by way of init code that returns it."""
        code = bytes.fromhex(runtime)
        init = bytes([0x60, len(code), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3])
        return self.send(data=init + code)["contractAddress"]

    def head_time(self) -> int:
        """Timestamp of the last block."""
        return self.w3.eth.get_block("latest")["timestamp"]


def word(value: int) -> bytes:
    """An integer as one ABI word."""
    return value.to_bytes(32, "big")
