// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

contract SettleTest is Scenes {
    Terms private terms;
    bytes32 private deal;

    function setUp() public override {
        super.setUp();
        terms = disputable();
        deal = open(terms);
    }

    function testFuzz_settle_by_anyone_pays_what_both_signed(address anyone, uint104 total, uint104 bondToSeller)
        public
    {
        (total, bondToSeller) = (uint104(within(total, 0, PRICE)), uint104(within(bondToSeller, 0, BOND)));
        uint256 fee = share(total, terms.feeBps);
        uint256 toSeller = total - fee + bondToSeller;
        uint256 toBuyer = PRICE - total + BOND - bondToSeller;
        VM.warp(START + 9);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.SETTLED, anyone, total, toSeller, fee, toBuyer);
        act(anyone, call(total, bondToSeller));
        assertPaid(toBuyer, toSeller, fee);
        assertPosition(deal, State.SETTLED, START + 9, 0, total);
    }

    function test_settle_ends_every_open_state_of_every_rail_however_late() public {
        for (uint8 rail = 0; rail <= Rail.EXCHANGE; rail++) {
            for (uint8 state = uint8(State.FUNDED); state <= uint8(State.DISPUTED); state++) {
                if (rail == Rail.ATOMIC || !reaches(rail, State(state))) continue;
                terms = reach(rail, State(state));
                VM.warp(block.timestamp + 2 * 365 days);
                act(stranger, call(CHARGE, 21));
                assertState(escrow.digest(terms), State.SETTLED);
            }
        }
        assertHeld(umpire, 0);
    }

    function testFuzz_settle_is_possible_before_its_own_deadline_and_not_at_it(uint40 validBefore) public {
        validBefore = uint40(within(validBefore, START + 1, FOREVER - 1));
        (bytes memory ofBuyer, bytes memory ofSeller) = settlement(deal, CHARGE, 21, validBefore);
        bytes memory settle = abi.encodeCall(IEscrow.settle, (terms, CHARGE, 21, validBefore, ofBuyer, ofSeller));
        actBefore(validBefore, stranger, settle);
        assertState(deal, State.SETTLED);
    }

    function test_settle_refuses_what_was_signed_for_another_deadline() public {
        (bytes memory ofBuyer, bytes memory ofSeller) = settlement(deal, 0, BOND, START + 60);
        refuseForged(stranger, signed(ofBuyer, ofSeller));
    }

    function test_settle_asks_for_the_state_then_the_deadline_then_the_amount_then_the_signatures() public {
        refuse(stranger, unsigned(PRICE + 1, START), tooLate(START));
        refuse(stranger, unsigned(PRICE + 1, START + 1), amountTooHigh(PRICE + 1, PRICE));
        refuse(stranger, unsigned(PRICE, START + 1), wrongSigner(buyer, address(0)));
        act(seller, encode(Operation.REFUND, terms));
        refuse(stranger, unsigned(PRICE + 1, START), wrongState(State.REFUNDED, State.FUNDED));
    }

    function test_settle_may_exceed_what_was_billed() public {
        deliver(terms, CHARGE);
        act(stranger, call(CHARGE + 1, BOND));
        assertPosition(deal, State.SETTLED, START, CHARGE, CHARGE + 1);
    }

    function test_settle_of_a_dispute_returns_the_stake_to_the_buyer() public {
        deliver(terms, CHARGE);
        dispute(terms);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.SETTLED, stranger, 0, 0, 0, uint256(PRICE) + BOND + STAKE);
        act(stranger, call(0, 0));
        assertPaid(uint256(PRICE) + BOND + STAKE, 0, 0);
        assertHeld(umpire, 0);
    }

    function testFuzz_settle_is_bounded_by_what_was_released_the_price_and_the_bond(uint104 released) public {
        released = uint104(within(released, 1, PRICE - 1));
        act(buyer, encode(Operation.RELEASE, terms, released, 0));
        refuse(stranger, call(released - 1, 0), amountTooLow(released - 1, released));
        refuse(stranger, call(PRICE + 1, 0), amountTooHigh(PRICE + 1, PRICE));
        refuse(stranger, call(PRICE, BOND + 1), amountTooHigh(BOND + 1, BOND));
        act(stranger, call(released, 0));
        assertPosition(deal, State.SETTLED, START, 0, released);
    }

    function test_a_release_of_one_unit_beyond_it_voids_a_settlement() public {
        act(buyer, encode(Operation.RELEASE, terms, CHARGE, 0));
        bytes memory settle = encode(Operation.SETTLE, terms, CHARGE, 0);
        act(buyer, encode(Operation.RELEASE, terms, CHARGE + 1, 0));
        refuse(stranger, settle, amountTooLow(CHARGE, CHARGE + 1));
    }

    function test_settle_of_the_whole_price_and_bond_is_the_sellers_alone() public {
        act(stranger, call(PRICE, BOND));
        assertPaid(0, PRICE - 33_300 + BOND, 33_300);
    }

    function test_settle_reverts_without_the_buyers_signature() public {
        (, bytes memory ofSeller) = settlement(deal, 0, BOND);
        refuse(seller, signed("", ofSeller), wrongSigner(buyer, address(0)));
        refuse(seller, signed(ofSeller, ofSeller), wrongSigner(buyer, seller));
    }

    function test_settle_reverts_without_the_sellers_signature() public {
        (bytes memory ofBuyer,) = settlement(deal, 0, BOND);
        refuse(buyer, signed(ofBuyer, ""), wrongSigner(seller, address(0)));
        refuse(buyer, signed(ofBuyer, ofBuyer), wrongSigner(seller, buyer));
    }

    function test_settle_reverts_when_the_signatures_are_swapped() public {
        (bytes memory ofBuyer, bytes memory ofSeller) = settlement(deal, 0, BOND);
        refuse(stranger, signed(ofSeller, ofBuyer), wrongSigner(buyer, seller));
    }

    function test_settle_refuses_what_was_signed_for_another_split_or_deal() public {
        (bytes memory ofBuyer, bytes memory ofSeller) = settlement(deal, 1, BOND);
        refuseForged(stranger, signed(ofBuyer, ofSeller));
        (ofBuyer, ofSeller) = settlement(deal, 0, BOND - 1);
        refuseForged(stranger, signed(ofBuyer, ofSeller));
        (ofBuyer, ofSeller) = settlement(keccak256("another deal"), 0, BOND);
        refuseForged(stranger, signed(ofBuyer, ofSeller));
    }

    function test_settle_refuses_a_voucher_in_the_buyers_place() public {
        (, bytes memory ofSeller) = settlement(deal, 0, BOND);
        refuseForged(seller, signed(voucher(deal, 0), ofSeller));
    }

    function test_settle_reverts_in_every_state_that_is_not_open() public {
        refuseInOtherStates(Operation.SETTLE, stranger, Rail.ESCROW, anyOpen(), State.FUNDED);
        refuseInOtherStates(Operation.SETTLE, stranger, Rail.METERED, anyOpen(), State.FUNDED);
        refuseInOtherStates(Operation.SETTLE, stranger, Rail.EXCHANGE, anyOpen(), State.FUNDED);
    }

    function unsigned(uint104 total, uint40 validBefore) private view returns (bytes memory) {
        return abi.encodeCall(IEscrow.settle, (terms, total, 0, validBefore, "", ""));
    }

    function signed(bytes memory ofBuyer, bytes memory ofSeller) private view returns (bytes memory) {
        return abi.encodeCall(IEscrow.settle, (terms, 0, BOND, FOREVER, ofBuyer, ofSeller));
    }

    function call(uint104 total, uint104 bondToSeller) private view returns (bytes memory) {
        return encode(Operation.SETTLE, terms, total, bondToSeller);
    }
}
