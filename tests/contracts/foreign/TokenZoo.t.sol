// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BarringToken} from "../../../contracts/mocks/tokens/BarringToken.sol";
import {FineToken} from "../../../contracts/mocks/tokens/FineToken.sol";
import {GasBurningToken} from "../../../contracts/mocks/tokens/GasBurningToken.sol";
import {LyingToken} from "../../../contracts/mocks/tokens/LyingToken.sol";
import {OpenToken} from "../../../contracts/mocks/tokens/OpenToken.sol";
import {RebasingToken} from "../../../contracts/mocks/tokens/RebasingToken.sol";
import {ReturnBombToken} from "../../../contracts/mocks/tokens/ReturnBombToken.sol";
import {SilentToken} from "../../../contracts/mocks/tokens/SilentToken.sol";
import {SkewedToken} from "../../../contracts/mocks/tokens/SkewedToken.sol";
import {SurchargeToken} from "../../../contracts/mocks/tokens/SurchargeToken.sol";
import {ZeroRefusingToken} from "../../../contracts/mocks/tokens/ZeroRefusingToken.sol";
import {VM} from "../Cheats.sol";
import {pay, payReverts} from "./Pay.sol";

/// @notice Each token misbehaves as it says: a tame one would make every test that uses it empty.
contract TokenZooTest {
    address private constant OTHER = address(0x07e4);
    uint256 private constant AMOUNT = 1_000;

    function test_a_skew_falls_on_the_receiver_both_ways_and_may_begin_late() public {
        SkewedToken token = new SkewedToken(0);
        stock(token);
        pay(address(token), OTHER, 100);
        VM.assertEq(token.balanceOf(OTHER), 100);
        token.reskew(-3);
        pay(address(token), OTHER, 100);
        VM.assertEq(token.balanceOf(OTHER), 197);
        token.reskew(3);
        pull(token, 100);
        VM.assertEq(token.balanceOf(OTHER), 300);
        VM.assertEq(token.balanceOf(address(this)), AMOUNT - 300);
    }

    function test_a_surcharge_falls_on_the_sender() public {
        SurchargeToken token = new SurchargeToken();
        stock(token);
        token.charge(7);
        pay(address(token), OTHER, 100);
        VM.assertEq(token.balanceOf(OTHER), 100);
        VM.assertEq(token.balanceOf(address(this)), AMOUNT - 107);
    }

    function test_silence_is_what_a_transfer_answers_and_an_allowance_changes_through_zero() public {
        SilentToken token = new SilentToken();
        stock(OpenToken(address(token)));
        (bool done, bytes memory answer) = address(token).call(abi.encodeCall(token.transfer, (OTHER, 1)));
        VM.assertTrue(done);
        VM.assertEq(answer, "");
        token.approve(OTHER, 5);
        VM.expectRevert(abi.encodeWithSelector(SilentToken.AllowanceStands.selector, 5, 6));
        token.approve(OTHER, 6);
        token.approve(OTHER, 0);
        token.approve(OTHER, 6);
        VM.assertEq(token.allowance(address(this), OTHER), 6);
    }

    function test_a_barred_account_is_refused_both_ways_by_a_revert() public {
        BarringToken token = new BarringToken(BarringToken.Refusal.REVERT);
        stock(token);
        token.bar(OTHER, true);
        payReverts(address(token), OTHER, 1, abi.encodeWithSelector(BarringToken.Barred.selector, OTHER));
        token.bar(OTHER, false);
        token.bar(address(this), true);
        payReverts(address(token), OTHER, 1, abi.encodeWithSelector(BarringToken.Barred.selector, address(this)));
    }

    function test_a_barred_account_is_refused_both_ways_by_an_answer() public {
        BarringToken token = new BarringToken(BarringToken.Refusal.FALSE);
        stock(token);
        token.bar(OTHER, true);
        VM.assertFalse(token.transfer(OTHER, 1));
        token.bar(OTHER, false);
        token.bar(address(this), true);
        VM.assertFalse(token.transfer(OTHER, 1));
        VM.assertEq(token.balanceOf(OTHER), 0);
    }

    function test_a_movement_of_nothing_is_refused() public {
        ZeroRefusingToken token = new ZeroRefusingToken();
        payReverts(address(token), OTHER, 0, abi.encodeWithSelector(ZeroRefusingToken.ZeroAmount.selector));
    }

    function test_the_escrows_whole_range_is_less_than_one_fine_token() public {
        FineToken token = new FineToken();
        VM.assertGt(10 ** uint256(token.decimals()), type(uint104).max);
        token.mint(address(this), type(uint104).max);
        pay(address(token), OTHER, type(uint104).max);
        VM.assertEq(token.balanceOf(OTHER), type(uint104).max);
    }

    function test_a_transfer_to_a_marked_account_burns_all_the_gas_it_is_given() public {
        GasBurningToken token = new GasBurningToken();
        stock(token);
        token.mark(OTHER, true);
        uint256 before = gasleft();
        (bool done,) = address(token).call{gas: 500_000}(abi.encodeCall(token.transfer, (OTHER, 1)));
        VM.assertFalse(done);
        VM.assertGt(before - gasleft(), 500_000);
    }

    function test_a_marked_account_gets_the_money_and_a_megabyte() public {
        ReturnBombToken token = new ReturnBombToken(ReturnBombToken.Bomb.ANSWER);
        stock(token);
        token.mark(OTHER, true);
        (bool done, bytes memory answer) = address(token).call(abi.encodeCall(token.transfer, (OTHER, 1)));
        VM.assertTrue(done);
        VM.assertEq(answer.length, token.size());
        VM.assertTrue(SafeERC20.trySafeTransfer(IERC20(address(token)), OTHER, 1));
        VM.assertEq(token.balanceOf(OTHER), 2);
    }

    function test_a_marked_account_gets_no_money_and_a_megabyte_of_reason() public {
        ReturnBombToken token = new ReturnBombToken(ReturnBombToken.Bomb.REVERT);
        stock(token);
        token.mark(OTHER, true);
        (bool done, bytes memory answer) = address(token).call(abi.encodeCall(token.transfer, (OTHER, 1)));
        VM.assertFalse(done);
        VM.assertEq(answer.length, token.size());
        VM.assertEq(token.balanceOf(OTHER), 0);
    }

    function test_a_lie_shows_the_exact_difference_and_pays_nothing_out() public {
        LyingToken token = new LyingToken();
        stock(token);
        pull(token, 100);
        VM.assertEq(token.balanceOf(OTHER), 100);
        VM.prank(OTHER);
        payReverts(
            address(token),
            address(this),
            100,
            abi.encodeWithSignature("ERC20InsufficientBalance(address,uint256,uint256)", OTHER, 0, 100)
        );
    }

    function test_a_rebase_changes_balances_with_no_transfer() public {
        RebasingToken token = new RebasingToken();
        stock(token);
        token.rebase(0.5e18);
        VM.assertEq(token.balanceOf(address(this)), AMOUNT / 2);
        pay(address(token), OTHER, AMOUNT / 4);
        VM.assertEq(token.balanceOf(OTHER), AMOUNT / 4);
        VM.assertEq(token.balanceOf(address(this)), AMOUNT / 4);
    }

    function stock(OpenToken token) private {
        token.mint(address(this), AMOUNT);
    }

    /// @dev As a contract does that was allowed to.
    function pull(OpenToken token, uint256 amount) private {
        token.approve(OTHER, amount);
        VM.prank(OTHER);
        VM.assertTrue(token.transferFrom(address(this), OTHER, amount));
    }
}
