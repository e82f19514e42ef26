// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IEscrow, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {BarringToken, OpenToken, SilentToken, SkewedToken} from "../../contracts/mocks/HostileTokens.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

contract HostileTokensTest is Stage {
    Terms private terms;

    function setUp() public override {
        super.setUp();
        terms = offer();
    }

    function test_open_refuses_a_fee_on_transfer() public {
        use(new SkewedToken(-1));
        refuseOpen(terms, abi.encodeWithSelector(IEscrow.PullShort.selector, terms.token, PRICE, PRICE - 1));
    }

    function test_open_refuses_a_token_that_moves_more_than_it_is_told() public {
        use(new SkewedToken(1));
        refuseOpen(terms, abi.encodeWithSelector(IEscrow.PullShort.selector, terms.token, PRICE, PRICE + 1));
    }

    function test_open_refuses_a_payer_that_the_token_answers_false_for() public {
        BarringToken barring = new BarringToken(BarringToken.Refusal.FALSE);
        use(barring);
        barring.bar(buyer, true);
        refuseOpen(terms, abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, terms.token));
        barring.bar(buyer, false);
        barring.bar(seller, true);
        refuseOpen(terms, abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, terms.token));
    }

    function test_a_token_without_return_values_settles_like_any_other() public {
        SilentToken silent = new SilentToken();
        use(OpenToken(address(silent)));
        open(terms);
        deliver(terms, CHARGE);
        VM.prank(buyer);
        escrow.release(terms);
        VM.assertEq(silent.balanceOf(seller), CHARGE - 19_980 + 2 * uint256(BOND));
        VM.assertEq(silent.balanceOf(recipient), 19_980);
        VM.assertEq(silent.balanceOf(buyer), 2 * uint256(PRICE) - CHARGE);
        VM.assertEq(silent.balanceOf(address(escrow)), 0);
    }

    function test_money_sent_by_mistake_counts_for_nobody() public {
        token.mint(address(escrow), 777);
        open(terms);
        VM.prank(seller);
        escrow.refund(terms);
        assertHeld(buyer, PRICE);
        assertHeld(seller, BOND);
        assertHeld(address(escrow), 777);
    }

    function use(OpenToken other) private {
        terms.token = address(other);
        // Twice what is needed, so that only the movement itself can be short.
        other.mint(buyer, uint256(PRICE) * 2);
        other.mint(seller, uint256(BOND) * 2);
        VM.prank(buyer);
        other.approve(address(escrow), uint256(PRICE) * 2);
        VM.prank(seller);
        other.approve(address(escrow), uint256(BOND) * 2);
    }
}
