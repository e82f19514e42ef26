// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

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

    function bind(address account, uint256 amount) private {
        VM.prank(account);
        escrow.deposit(address(token), amount);
    }
}
