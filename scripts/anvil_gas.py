"""Gas by Anvil's receipts: a second meter beside forge's.

The accounts, figures and order of tests/contracts/Gas.t.sol, but real transactions, made and signed
by web3.py and eth-account.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import HTTPProvider, Web3

from marketplace.adapters.evm.anvil import find_anvil, start_anvil
from marketplace.adapters.evm.artifact import load
from marketplace.adapters.evm.encoding import struct_tuple
from marketplace.core.consent import Voucher
from marketplace.core.eip712 import Domain, Typed
from marketplace.core.terms import Rail, Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST, keccak

CHAIN_ID = 31_337
MNEMONIC = "test test test test test test test test test test test junk"
PRICE = 1_000_003
PLENTY = 1_000 * PRICE
EVER = 2**256 - 1

Receipts = dict[str, dict[str, int]]


def receipts(root: Path) -> Receipts:
    """Gas by scenario and step, of transactions on an Anvil of its own."""
    anvil = start_anvil(find_anvil(os.environ, root), 0, CHAIN_ID, MNEMONIC)
    try:
        return _Market(Web3(HTTPProvider(anvil.url))).measure()
    finally:
        anvil.close()


def _account(secret: int) -> LocalAccount:
    account: LocalAccount = Account.from_key(secret.to_bytes(32, "big"))
    return account


class _Market:
    """One buyer, one seller and a relayer, who have traded before."""

    def __init__(self, web3: Web3) -> None:
        self._web3 = web3
        self._relayer = web3.eth.accounts[1]
        self._buyer = _account(0xB001)
        self._seller = _account(0x5E11)
        self._escrow = self._deploy("Escrow")
        self._token = self._deploy("CreditToken", web3.eth.accounts[0])
        self._domain = Domain(CHAIN_ID, str(self._escrow.address).lower())
        self._nonces = iter(range(0x105, 0x1FF))
        self._terms = self._offer()
        for account in (self._buyer, self._seller):
            web3.provider.make_request("anvil_impersonateAccount", [account.address])
            web3.provider.make_request("anvil_setBalance", [account.address, hex(10**20)])
            self._send(self._token.functions.mint(account.address, PLENTY), web3.eth.accounts[0])
            self._send(self._token.functions.approve(self._escrow.address, EVER), account.address)
        mint = self._token.functions.mint(self._escrow.address, PLENTY)
        self._send(mint, web3.eth.accounts[0])

    def measure(self) -> Receipts:
        """Each scenario once, after one that made the parties known to token and escrow."""
        self._escrow_deal()
        return {
            "escrow": self._escrow_deal(),
            "escrow_gasless": self._gasless_deal(),
            "refund": self._refunded_deal(),
            "metered": self._metered_deal(),
        }

    def _escrow_deal(self) -> dict[str, int]:
        terms = self._next()
        release = self._escrow.functions.release(struct_tuple(terms), PRICE)
        opened = self._open(terms)
        return {"open": opened, "release": self._send(release, self._buyer.address)}

    def _gasless_deal(self) -> dict[str, int]:
        terms = self._next()
        opened = self._open(terms)
        redeem = self._escrow.functions.redeem(struct_tuple(terms), PRICE, self._voucher(terms))
        return {"open": opened, "redeem": self._send(redeem, self._relayer)}

    def _refunded_deal(self) -> dict[str, int]:
        terms = self._next()
        opened = self._open(terms)
        refund = self._escrow.functions.refund(struct_tuple(terms))
        return {"open": opened, "refund": self._send(refund, self._seller.address)}

    def _metered_deal(self) -> dict[str, int]:
        terms = replace(self._next(), rail=Rail.METERED)
        opened = self._open(terms)
        close = self._escrow.functions.close(struct_tuple(terms), PRICE, self._voucher(terms))
        return {"open": opened, "close": self._send(close, self._seller.address)}

    def _open(self, terms: Terms) -> int:
        signatures = self._sign(self._buyer, terms), self._sign(self._seller, terms)
        opening = (struct_tuple(terms), *signatures, b"", b"")
        return self._send(self._escrow.functions.open(opening), self._relayer)

    def _voucher(self, terms: Terms) -> bytes:
        return self._sign(self._buyer, Voucher(terms.digest(self._domain), PRICE))

    def _sign(self, account: LocalAccount, message: Typed) -> bytes:
        digest = bytes.fromhex(message.digest(self._domain)[2:])
        return bytes(account.unsafe_sign_hash(digest).signature)

    def _next(self) -> Terms:
        nonce = next(self._nonces)
        return replace(self._terms, buyer_nonce=nonce, seller_nonce=0x300 - nonce + 0x100)

    def _offer(self) -> Terms:
        return Terms(
            buyer=self._buyer.address.lower(),
            seller=self._seller.address.lower(),
            token=str(self._token.address).lower(),
            price=PRICE,
            fee_bps=0,
            fee_recipient=ZERO_ADDRESS,
            rail=Rail.ESCROW,
            open_by=self._web3.eth.get_block("latest")["timestamp"] + 600,
            subject="0x" + keccak(b"the full outcome").hex(),
            previous="0x" + keccak(b"the message before").hex(),
            buyer_nonce=0,
            seller_nonce=0,
            buyer_epoch=0,
            seller_epoch=0,
            bond=0,
            delivery_window=3_600,
            review_window=1_800,
            notice_window=0,
            voucher_signer=ZERO_ADDRESS,
            arbiter=ZERO_ADDRESS,
            arbiter_fee=0,
            arbitration_window=0,
            default_seller_bps=0,
            goods=ZERO_DIGEST,
            bundle=ZERO_DIGEST,
        )

    def _deploy(self, name: str, *arguments: str) -> Any:  # noqa: ANN401 web3 builds contract classes at run time
        artifact = load(name)
        contract = self._web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        sent = contract.constructor(*arguments).transact({"from": self._web3.eth.accounts[0]})
        address = self._web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]
        return self._web3.eth.contract(address, abi=artifact.abi)

    def _send(self, function: Any, sender: str) -> int:  # noqa: ANN401 a web3 call
        sent = function.transact({"from": sender})
        receipt = self._web3.eth.wait_for_transaction_receipt(sent)
        if receipt["status"] != 1:
            raise RuntimeError(f"{function.fn_name} reverted on Anvil")
        return int(receipt["gasUsed"])
