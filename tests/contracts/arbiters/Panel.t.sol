// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../../contracts/interfaces/IEscrow.sol";
import {IPanelArbiter, Vote} from "../../../contracts/interfaces/IPanelArbiter.sol";
import {State, Terms} from "../../../contracts/interfaces/Types.sol";
import {SmartWallet} from "../../../contracts/mocks/SmartWallet.sol";
import {VM} from "../Cheats.sol";
import {PanelStage} from "./PanelStage.sol";

/// @notice The one cheatcode that only this test needs: an event of a contract that is not there yet.
interface CreationVm {
    function expectEmit() external;
}

CreationVm constant CREATION_VM = CreationVm(address(VM));

contract PanelTest is PanelStage {
    // ------------------------------------------------------------------ a ruling

    function test_two_of_three_members_rule_and_anyone_submits() public {
        Terms memory terms = disputed();
        bytes32 deal = escrow.digest(terms);
        Vote[] memory votes = votesOf(deal, CHARGE, 20_011, 2);
        VM.expectEmit(address(escrow));
        emit IEscrow.Ruled(deal);
        VM.prank(stranger);
        panel.rule(terms, CHARGE, 20_011, votes);
        uint256 fee = uint256(CHARGE) * terms.feeBps / 10_000;
        assertHeld(seller, CHARGE - fee + 20_011);
        assertHeld(buyer, PRICE - CHARGE + BOND - 20_011);
        assertHeld(address(panel), STAKE);
        assertHeld(address(escrow), 0);
    }

    function test_any_majority_rules() public {
        for (uint256 absent = 0; absent < 3; absent++) {
            Terms memory terms = disputed(absent);
            Vote[] memory all = votesOf(escrow.digest(terms), CHARGE, 0, 3);
            Vote[] memory votes = new Vote[](2);
            votes[0] = all[absent == 0 ? 1 : 0];
            votes[1] = all[absent == 2 ? 1 : 2];
            panel.rule(terms, CHARGE, 0, votes);
            assertState(escrow.digest(terms), State.RESOLVED);
        }
    }

    function test_all_three_members_may_sign() public {
        Terms memory terms = disputed();
        panel.rule(terms, 0, 0, votesOf(escrow.digest(terms), 0, 0, 3));
        assertHeld(buyer, PRICE + BOND);
    }

    function test_a_member_with_a_wallet_votes_as_its_wallet_says() public {
        SmartWallet wallet = new SmartWallet(VM.addr(memberKey(0)));
        address[] memory seats = sorted(address(wallet), member(1), member(2));
        panel = deployPanel(2, seats);
        Terms memory terms = disputed();
        bytes32 signed = rulingDigest(escrow.digest(terms), CHARGE, 0);
        Vote[] memory votes = new Vote[](3);
        for (uint256 i = 0; i < 3; i++) {
            uint256 key =
                seats[i] == address(wallet) ? memberKey(0) : seats[i] == member(1) ? memberKey(1) : memberKey(2);
            votes[i] = Vote(seats[i], sign(key, signed));
        }
        panel.rule(terms, CHARGE, 0, votes);
        assertState(escrow.digest(terms), State.RESOLVED);
    }

    function test_the_digest_is_that_of_the_panels_own_domain(bytes32 deal, uint104 charge, uint104 bond) public view {
        VM.assertEq(panel.rulingDigest(deal, charge, bond), rulingDigest(deal, charge, bond));
    }

    function test_a_ruling_is_in_time_until_the_arbitration_window_ends() public {
        Terms memory terms = disputed();
        Vote[] memory votes = votesOf(escrow.digest(terms), CHARGE, 0, 2);
        VM.warp(START + terms.arbitrationWindow);
        refuseRule(terms, CHARGE, 0, votes, tooLate(START + terms.arbitrationWindow));
        VM.warp(START + terms.arbitrationWindow - 1);
        panel.rule(terms, CHARGE, 0, votes);
        assertState(escrow.digest(terms), State.RESOLVED);
    }

    function test_a_panel_that_is_silent_leaves_the_deal_to_its_default() public {
        Terms memory terms = disputed();
        VM.warp(START + terms.arbitrationWindow);
        escrow.expire(terms);
        assertHeld(address(panel), 0);
        assertHeld(address(escrow), 0);
    }

    // ------------------------------------------------------------------ what is no ruling

    function test_less_votes_than_the_threshold_are_refused() public {
        Terms memory terms = disputed();
        for (uint256 given = 0; given < 2; given++) {
            Vote[] memory votes = votesOf(escrow.digest(terms), CHARGE, 0, given);
            bytes memory reason = abi.encodeWithSelector(IPanelArbiter.VotesShort.selector, given, 2);
            refuseRule(terms, CHARGE, 0, votes, reason);
        }
    }

    function test_one_member_does_not_vote_twice() public {
        Terms memory terms = disputed();
        Vote[] memory votes = votesOf(escrow.digest(terms), CHARGE, 0, 2);
        votes[1] = votes[0];
        refuseRule(terms, CHARGE, 0, votes, outOfOrder(votes[0].member, votes[0].member));
    }

    function test_votes_out_of_order_are_refused() public {
        Terms memory terms = disputed();
        Vote[] memory votes = votesOf(escrow.digest(terms), CHARGE, 0, 2);
        (votes[0], votes[1]) = (votes[1], votes[0]);
        refuseRule(terms, CHARGE, 0, votes, outOfOrder(votes[0].member, votes[1].member));
    }

    function test_a_stranger_does_not_vote() public {
        Terms memory terms = disputed();
        Vote[] memory votes = votesOf(escrow.digest(terms), CHARGE, 0, 3);
        votes[2].member = address(type(uint160).max);
        bytes memory reason = abi.encodeWithSelector(IPanelArbiter.MemberUnknown.selector, votes[2].member);
        refuseRule(terms, CHARGE, 0, votes, reason);
    }

    function test_the_zero_address_does_not_vote() public {
        Terms memory terms = disputed();
        Vote[] memory votes = votesOf(escrow.digest(terms), CHARGE, 0, 2);
        votes[0] = Vote(address(0), "");
        refuseRule(terms, CHARGE, 0, votes, outOfOrder(address(0), address(0)));
    }

    function test_a_vote_for_other_amounts_is_refused() public {
        Terms memory terms = disputed();
        bytes32 deal = escrow.digest(terms);
        Vote[] memory votes = votesOf(deal, CHARGE, 0, 2);
        refuseRule(terms, CHARGE + 1, 0, votes, badVote(votes[0], deal, CHARGE + 1, 0));
        refuseRule(terms, CHARGE, 1, votes, badVote(votes[0], deal, CHARGE, 1));
    }

    function test_a_party_of_the_deal_does_not_vote_on_it() public {
        for (uint256 side = 0; side < 2; side++) {
            (uint256 key, address party) = side == 0 ? (BUYER_KEY, buyer) : (SELLER_KEY, seller);
            address[] memory seats = sorted(party, member(1), member(2));
            panel = deployPanel(2, seats);
            Terms memory terms = disputed(side);
            bytes32 signed = rulingDigest(escrow.digest(terms), PRICE, BOND);
            Vote[] memory votes = new Vote[](3);
            for (uint256 i = 0; i < 3; i++) {
                uint256 seat = seats[i] == party ? key : seats[i] == member(1) ? memberKey(1) : memberKey(2);
                votes[i] = Vote(seats[i], sign(seat, signed));
            }
            bytes memory reason = abi.encodeWithSelector(IPanelArbiter.MemberPartial.selector, party);
            refuseRule(terms, PRICE, BOND, votes, reason);
        }
    }

    function test_a_ruling_of_more_than_was_billed_is_refused() public {
        Terms memory terms = disputed();
        bytes32 deal = escrow.digest(terms);
        refuseRule(terms, PRICE + 1, 0, votesOf(deal, PRICE + 1, 0, 2), amountTooHigh(PRICE + 1, PRICE));
        refuseRule(terms, 0, BOND + 1, votesOf(deal, 0, BOND + 1, 2), amountTooHigh(BOND + 1, BOND));
    }

    // ------------------------------------------------------------------ replay

    function test_a_ruling_counts_once() public {
        Terms memory terms = disputed();
        Vote[] memory votes = votesOf(escrow.digest(terms), CHARGE, 0, 2);
        panel.rule(terms, CHARGE, 0, votes);
        refuseRule(terms, CHARGE, 0, votes, wrongState(State.RESOLVED, State.DISPUTED));
    }

    function test_a_ruling_on_one_deal_is_none_on_another() public {
        Terms memory terms = disputed();
        Terms memory other = disputed(1);
        Vote[] memory votes = votesOf(escrow.digest(terms), CHARGE, 0, 2);
        refuseRule(other, CHARGE, 0, votes, badVote(votes[0], escrow.digest(other), CHARGE, 0));
    }

    function test_a_ruling_of_one_panel_is_none_of_another_with_the_same_members() public {
        (IPanelArbiter first, IPanelArbiter second) = (panel, deployPanel(2, panel.members()));
        panel = second;
        Terms memory terms = disputed();
        bytes32 deal = escrow.digest(terms);
        panel = first;
        Vote[] memory votes = votesOf(deal, CHARGE, 0, 2);
        panel = second;
        refuseRule(terms, CHARGE, 0, votes, badVote(votes[0], deal, CHARGE, 0));
    }

    function test_a_ruling_on_one_chain_is_none_on_another() public {
        Terms memory terms = disputed();
        bytes32 deal = escrow.digest(terms);
        Vote[] memory votes = votesOf(deal, CHARGE, 0, 2);
        VM.chainId(block.chainid + 1);
        VM.assertFalse(panel.rulingDigest(deal, CHARGE, 0) == rulingDigestOn(block.chainid - 1, deal, CHARGE, 0));
        refuseRule(terms, CHARGE, 0, votes, badVote(votes[0], deal, CHARGE, 0));
    }

    function test_a_panel_rules_on_a_deal_whose_chain_has_changed_its_id_by_votes_under_the_new_one() public {
        Terms memory terms = disputed();
        bytes32 deal = escrow.digest(terms);
        VM.chainId(block.chainid + 1);
        panel.rule(terms, CHARGE, 0, votesOf(deal, CHARGE, 0, 2));
        assertState(deal, State.RESOLVED);
    }

    function test_a_deal_with_another_arbiter_is_not_ruled_on() public {
        Terms memory terms = disputable();
        open(terms);
        deliver(terms, PRICE);
        dispute(terms);
        Vote[] memory votes = votesOf(escrow.digest(terms), CHARGE, 0, 2);
        refuseRule(terms, CHARGE, 0, votes, wrongCaller(address(panel), umpire));
    }

    // ------------------------------------------------------------------ the bench

    function test_a_threshold_that_is_no_majority_or_more_than_all_is_refused() public {
        address[] memory seats = panel.members();
        uint256[4] memory outside = [uint256(0), 1, 4, type(uint256).max];
        for (uint256 i = 0; i < 4; i++) {
            bytes memory reason = abi.encodeWithSelector(IPanelArbiter.ThresholdOutside.selector, outside[i], 2, 3);
            refusePanel(outside[i], seats, reason);
        }
        VM.assertEq(deployPanel(3, seats).threshold(), 3);
        refusePanel(0, new address[](0), abi.encodeWithSelector(IPanelArbiter.ThresholdOutside.selector, 0, 1, 0));
    }

    function test_a_panel_tells_its_threshold_and_members_once_it_is_there() public {
        address[] memory seats = panel.members();
        CREATION_VM.expectEmit();
        emit IPanelArbiter.Convened(3, seats);
        deployPanel(3, seats);
    }

    function test_half_of_an_even_panel_is_no_majority() public {
        address[] memory seats = sorted(member(0), member(1));
        refusePanel(1, seats, abi.encodeWithSelector(IPanelArbiter.ThresholdOutside.selector, 1, 2, 2));
        VM.assertEq(deployPanel(2, seats).threshold(), 2);
    }

    function test_nobody_sits_twice_or_out_of_order_or_as_nobody() public {
        address[] memory seats = panel.members();
        seats[1] = seats[0];
        refusePanel(2, seats, outOfOrder(seats[0], seats[0]));
        seats = panel.members();
        (seats[1], seats[2]) = (seats[2], seats[1]);
        refusePanel(2, seats, outOfOrder(seats[1], seats[2]));
        seats = panel.members();
        seats[0] = address(0);
        refusePanel(2, seats, outOfOrder(address(0), address(0)));
    }
}
