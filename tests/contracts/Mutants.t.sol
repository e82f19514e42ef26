// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEvidence} from "../../contracts/interfaces/IArbitration.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Terms} from "../../contracts/interfaces/Types.sol";
import {BarringToken} from "../../contracts/mocks/tokens/BarringToken.sol";
import {OpenToken} from "../../contracts/mocks/tokens/OpenToken.sol";
import {SkewedToken} from "../../contracts/mocks/tokens/SkewedToken.sol";
import {VM} from "./Cheats.sol";
import {IMintable, Stage} from "./Stage.sol";

/// @notice Cheatcodes that nobody else needs: an event that is never emitted, one of whoever is next.
interface MoreVm {
    function expectEmit() external;
    function expectEmit(address emitter, uint64 count) external;
}

MoreVm constant MORE_VM = MoreVm(address(VM));

/// @notice A token that pays only who gives it nearly the whole allotment.
contract ThirstyToken is OpenToken {
    function transfer(address to, uint256 amount) public override returns (bool) {
        require(gasleft() > 199_000, "thirsty");
        return super.transfer(to, amount);
    }
}

/// @notice What no other test sees when it goes wrong: each of these was written against a mutant that had survived.
contract MutantsTest is Stage {
    function test_feasible_looks_into_the_wallet_of_a_buyer_whose_seller_alone_is_bound() public {
        bind(seller, BOND);
        Terms memory terms = offer();
        VM.assertEq(escrow.feasible(terms), escrow.digest(terms));
    }

    function test_feasible_looks_into_the_wallet_of_a_seller_whose_buyer_alone_is_bound() public {
        bind(buyer, PRICE);
        Terms memory terms = offer();
        VM.assertEq(escrow.feasible(terms), escrow.digest(terms));
    }

    function test_feasible_takes_a_balance_that_is_more_than_enough() public {
        fund(buyer, 1);
        bind(buyer, uint256(PRICE) + 1);
        Terms memory terms = offer();
        VM.assertEq(escrow.feasible(terms), escrow.digest(terms));
    }

    function test_feasible_looks_into_the_balance_of_a_bound_buyer_on_the_metered_and_the_exchange_rail() public {
        bind(buyer, PRICE);
        VM.assertEq(escrow.feasible(metered()), escrow.digest(metered()));
        VM.assertEq(escrow.feasible(exchange()), escrow.digest(exchange()));
    }

    function test_feasible_asks_nothing_about_a_payment_of_nothing() public {
        Terms memory terms = offer();
        terms.bond = 0;
        VM.expectCall(address(token), abi.encodeCall(IERC20.balanceOf, (seller)), 0);
        escrow.feasible(terms);
    }

    function test_a_bound_seller_without_a_bond_is_debited_nothing_and_told_nothing() public {
        bind(seller, BOND);
        Terms memory terms = offer();
        terms.bond = 0;
        MORE_VM.expectEmit(address(escrow), 0);
        emit IAccounts.Debited(address(token), seller, 0);
        open(terms);
    }

    function test_an_arbiter_of_erc792_tells_its_meta_evidence_once_it_is_there() public {
        bytes memory arguments = abi.encode(escrow, stranger, bytes("extra"), "where the rules are");
        bytes memory code = abi.encodePacked(VM.getCode("Erc792Arbiter.sol:Erc792Arbiter"), arguments);
        MORE_VM.expectEmit();
        emit IEvidence.MetaEvidence(0, "where the rules are");
        assembly ("memory-safe") {
            pop(create(0, add(code, 0x20), mload(code)))
        }
    }

    function test_no_gas_is_enough_to_pay_and_too_little_for_a_token_that_needs_its_whole_allotment() public {
        token = IMintable(address(new ThirstyToken()));
        fund(buyer, PRICE);
        fund(seller, BOND);
        Terms memory terms = offer();
        open(terms);
        bool done;
        bytes memory said;
        for (uint256 allowed = 195_000; !done; allowed += 1_000) {
            VM.prank(seller);
            (done, said) = address(escrow).call{gas: allowed}(abi.encodeCall(IEscrow.refund, (terms)));
            VM.assertTrue(done || bytes4(said) == IAccounts.GasShort.selector);
            uint256 needed;
            assembly ("memory-safe") {
                needed := mload(add(said, 0x44))
            }
            VM.assertTrue(done || needed == 205_000);
        }
        assertHeld(seller, BOND);
        assertHeld(buyer, PRICE);
    }

    function test_a_pull_that_falls_short_tells_what_came_and_not_what_was_there() public {
        SkewedToken skewed = new SkewedToken(-1);
        skewed.mint(address(escrow), 50);
        skewed.mint(buyer, 100);
        VM.prank(buyer);
        skewed.approve(address(escrow), 100);
        VM.expectRevert(abi.encodeWithSelector(IAccounts.PullShort.selector, address(skewed), 100, 99));
        VM.prank(buyer);
        escrow.deposit(address(skewed), 100);
    }

    function test_a_pull_that_the_token_refuses_though_all_is_there_has_its_own_name() public {
        for (uint256 i = 0; i < 2; i++) {
            BarringToken barring = new BarringToken(BarringToken.Refusal(i));
            barring.mint(buyer, 100);
            VM.prank(buyer);
            barring.approve(address(escrow), 100);
            barring.bar(buyer, true);
            VM.expectRevert(abi.encodeWithSelector(IAccounts.PullRefused.selector, address(barring), buyer, 100));
            VM.prank(buyer);
            escrow.deposit(address(barring), 100);
        }
    }

    function bind(address account, uint256 amount) private {
        VM.prank(account);
        escrow.deposit(address(token), amount);
    }
}
