// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "../../contracts/interfaces/IEscrow.sol";
import {BarringToken} from "../../contracts/mocks/HostileTokens.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

/// @notice What each operation costs once the parties have traded before: their nonce words and balances exist. The
/// figures are whole transactions with the 21,000, and a change of one unit fails until it is taken on purpose.
contract GasTest is Stage {
    Terms private terms;

    function setUp() public override {
        super.setUp();
        token.mint(recipient, 1);
        token.mint(address(escrow), 1);
        fund(buyer, 10 * uint256(PRICE));
        fund(seller, 10 * uint256(BOND));
        terms = offer();
        open(terms);
        VM.prank(seller);
        escrow.refund(terms);
        terms.buyerNonce += 1;
        terms.sellerNonce -= 1;
    }

    function test_gas_of_open() public {
        open(terms);
        snapshot("open");
    }

    function test_gas_of_open_without_a_bond() public {
        terms.bond = 0;
        open(terms);
        snapshot("open without a bond");
    }

    function test_gas_of_deliver() public {
        open(terms);
        deliver(terms, CHARGE);
        snapshot("deliver");
    }

    function test_gas_of_release() public {
        open(terms);
        deliver(terms, CHARGE);
        VM.prank(buyer);
        escrow.release(terms);
        snapshot("release");
    }

    function test_gas_of_claim() public {
        open(terms);
        deliver(terms, CHARGE);
        VM.warp(block.timestamp + terms.reviewWindow);
        VM.prank(seller);
        escrow.claim(terms);
        snapshot("claim");
    }

    function test_gas_of_refund() public {
        open(terms);
        VM.prank(seller);
        escrow.refund(terms);
        snapshot("refund");
    }

    function test_gas_of_cancel() public {
        VM.prank(buyer);
        escrow.cancel(terms.buyerNonce);
        snapshot("cancel");
    }

    function test_gas_of_cancelAll() public {
        VM.roll(1_000);
        VM.prank(buyer);
        escrow.cancelAll();
        snapshot("cancelAll");
    }

    function test_gas_of_withdraw() public {
        BarringToken barring = new BarringToken(BarringToken.Refusal.REVERT);
        barring.mint(buyer, PRICE);
        VM.prank(buyer);
        barring.approve(address(escrow), PRICE);
        (terms.token, terms.bond) = (address(barring), 0);
        open(terms);
        barring.bar(buyer, true);
        VM.prank(seller);
        escrow.refund(terms);
        VM.prank(buyer);
        escrow.withdraw(address(barring), stranger);
        snapshot("withdraw");
    }

    function snapshot(string memory operation) private {
        VM.snapshotGasLastCall("Escrow", operation);
    }
}
