// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {FineToken} from "../../contracts/mocks/tokens/FineToken.sol";
import {HookedToken} from "../../contracts/mocks/tokens/HookedToken.sol";
import {LyingToken} from "../../contracts/mocks/tokens/LyingToken.sol";
import {RebasingToken} from "../../contracts/mocks/tokens/RebasingToken.sol";
import {SilentToken} from "../../contracts/mocks/tokens/SilentToken.sol";
import {SkewedToken} from "../../contracts/mocks/tokens/SkewedToken.sol";
import {SurchargeToken} from "../../contracts/mocks/tokens/SurchargeToken.sol";
import {ZeroRefusingToken} from "../../contracts/mocks/tokens/ZeroRefusingToken.sol";
import {HookedWallet} from "../../contracts/mocks/wallets/HookedWallet.sol";
import {VM, within} from "./Cheats.sol";
import {issueFiatToken} from "./foreign/FiatToken.sol";
import {Exit, Ways} from "./foreign/Ways.sol";

/// @notice Odd tokens that go every way through the escrow. See ZooIntake for what is refused, and ZooUnpaid for receivers
/// that cannot be paid.
contract ZooTest is Ways {
    function test_a_token_that_answers_nothing_goes_every_way() public harmless {
        pay(address(new SilentToken()));
        goEveryWay();
    }

    function test_usdc_goes_every_way() public harmless {
        pay(address(issueFiatToken(address(this))));
        goEveryWay();
    }

    function test_a_token_that_refuses_to_move_nothing_goes_every_way() public harmless {
        pay(address(new ZeroRefusingToken()));
        goEveryWay();
        // No bond, so no stake, and no fee: whatever is nothing must not be sent.
        (bond, feeBps) = (0, 0);
        goEveryWay();
        // The whole price is the fee, so that the seller's share is nothing.
        feeBps = 10_000;
        goEveryWay();
    }

    function test_the_most_that_terms_can_name_goes_every_way() public harmless {
        (price, bond) = (type(uint104).max, type(uint104).max);
        pay(address(new FineToken()));
        goEveryWay();
    }

    function testFuzz_any_amounts_go_every_way_to_the_unit(uint104 price_, uint104 bond_, uint16 bps) public harmless {
        // One of the ways releases in parts.
        (price, bond, feeBps) = (price_ < 3 ? 3 : price_, bond_, bps % 10_001);
        // A fee that rounds to nothing does not open.
        if (uint256(price) * feeBps < 10_000) feeBps = 0;
        pay(address(new FineToken()));
        goEveryWay();
    }

    function test_parties_that_hear_of_every_movement_go_every_way() public harmless {
        HookedToken hooked = new HookedToken();
        HookedWallet buying = new HookedWallet(buyer);
        HookedWallet selling = new HookedWallet(seller);
        buying.listen(hooked);
        selling.listen(hooked);
        (buys, sells) = (address(buying), address(selling));
        pay(address(hooked));
        goEveryWay();
        VM.assertGt(buying.hooks(), exits.length);
        VM.assertGt(selling.hooks(), exits.length);
    }
}

/// @notice What a token does that nobody can see from outside stays among the deals that named it.
contract ZooApartTest is Ways {
    function test_a_token_that_invents_money_pays_nobody_and_harms_nobody() public harmless {
        pay(address(new LyingToken()));
        for (uint256 i = 0; i < exits.length; i++) {
            Exit memory exit = exits[i]();
            uint256[4] memory owed = balances();
            act(exit.caller, exit.call);
            for (uint256 j = 0; j < 4; j++) {
                VM.assertEq(balances()[j] - owed[j], dues(exit)[j]);
            }
        }
        uint256 owing = escrow.balance(address(token), seller);
        refuse(
            seller,
            withdrawal(seller, owing),
            abi.encodeWithSelector(IAccounts.PushRefused.selector, token, seller, owing)
        );
    }

    function testFuzz_a_rebase_harms_the_deals_in_its_token_alone(uint256 scale, uint8 way) public harmless {
        RebasingToken rebasing = new RebasingToken();
        pay(address(rebasing));
        Exit memory exit = exits[way % exits.length]();
        rebasing.rebase(within(scale, 0.01e18, 100e18));
        uint256 held = token.balanceOf(address(escrow));
        act(exit.caller, exit.call);
        // Whatever was paid, no more than was there was paid.
        VM.assertLe(token.balanceOf(address(escrow)), held);
    }

    function testFuzz_a_fee_that_begins_later_falls_on_who_is_paid(uint8 way) public harmless {
        SkewedToken skewed = new SkewedToken(0);
        pay(address(skewed));
        Exit memory exit = exits[way % exits.length]();
        uint256 held = token.balanceOf(address(escrow));
        uint256[4] memory had = wallets();
        skewed.reskew(-1);
        act(exit.caller, exit.call);
        for (uint256 i = 0; i < 4; i++) {
            uint256 due = dues(exit)[i];
            VM.assertEq(wallets()[i] - had[i], due == 0 ? 0 : due - 1);
            held -= due;
        }
        assertHeld(address(escrow), held);
    }

    function test_a_surcharge_is_at_the_cost_of_who_is_paid_last_in_that_token() public harmless {
        SurchargeToken surcharging = new SurchargeToken();
        pay(address(surcharging));
        Exit memory first = exits[2]();
        Exit memory last = exits[2]();
        surcharging.charge(7);
        settleUpShort(first, 7 * 2);
        // 28 of what the two deals held went for four payments: the last of them finds too little.
        surcharging.charge(0);
        act(last.caller, last.call);
        VM.assertEq(escrow.balance(address(token), buyer), last.toBuyer);
        assertHeld(address(escrow), uint256(last.toBuyer) - 7 * 2);
    }

    /// @dev As `settleUp`, and the escrow is `extra` poorer than it should be.
    function settleUpShort(Exit memory exit, uint256 extra) private {
        uint256 held = token.balanceOf(address(escrow));
        act(exit.caller, exit.call);
        assertHeld(address(escrow), held - exit.toBuyer - exit.toSeller - exit.fee - exit.toUmpire - extra);
    }
}
