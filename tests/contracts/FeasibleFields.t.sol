// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Openings} from "./Openings.sol";

/// @notice Which fields each rail honours, field by field: a field that nothing would honour must be zero, since both
/// parties have signed it and may believe in it.
contract FeasibleFieldsTest is Openings {
    uint256 private constant FIRST = 14; // the place of the bond
    /// @dev Good for every field: as a window, as a share, as an amount under the bond, as an account.
    uint256 private constant VALUE = 61;

    // One letter a place, from the bond to the bundle: bond, deliveryWindow, reviewWindow, noticeWindow, voucherSigner,
    // arbiter, arbiterFee, arbitrationWindow, defaultSellerBps, goods, bundle.
    // u: unused, must be zero. o: may be zero or not. r: required. w: a window, required. j: brings the next row's rules.
    bytes private constant ESCROW = "owwuojuuuuo";
    bytes private constant ESCROW_WITH_ARBITER = "owwuojowouo";
    bytes private constant ATOMIC = "uuuuuuuuuru";
    bytes private constant METERED = "owwoouuuuuo";
    bytes private constant EXCHANGE = "owwuuruuuro";

    function test_each_field_counts_on_the_escrow_rail_as_in_the_table() public {
        assertRow(offer(), ESCROW);
    }

    function test_each_field_counts_on_the_escrow_rail_with_an_arbiter_as_in_the_table() public {
        Terms memory terms = disputable();
        terms.arbiterFee = 0;
        assertRow(terms, ESCROW_WITH_ARBITER);
    }

    function test_each_field_counts_on_the_atomic_rail_as_in_the_table() public {
        Terms memory terms = offer();
        (terms.rail, terms.goods) = (Rail.ATOMIC, keccak256("credits"));
        (terms.bond, terms.deliveryWindow, terms.reviewWindow) = (0, 0, 0);
        assertRow(terms, ATOMIC);
    }

    function test_each_field_counts_on_the_metered_rail_as_in_the_table() public {
        assertRow(metered(), METERED);
    }

    function test_each_field_counts_on_the_exchange_rail_as_in_the_table() public {
        assertRow(exchange(), EXCHANGE);
    }

    function test_an_arbiter_brings_its_window_and_goes_with_everything_of_its() public {
        Terms memory terms = offer();
        terms.arbiter = umpire;
        refuseTerms(terms, abi.encodeWithSelector(IEscrow.WindowTooShort.selector, 21, 0, 60));
        terms = disputable();
        terms.arbiter = address(0);
        refuseTerms(terms, unsupported(Rail.ESCROW, 20, STAKE));
        terms.arbiterFee = 0;
        refuseTerms(terms, unsupported(Rail.ESCROW, 21, 7_200));
        terms.arbitrationWindow = 0;
        refuseTerms(terms, unsupported(Rail.ESCROW, 22, 6_667));
        terms.defaultSellerBps = 0;
        escrow.feasible(terms);
    }

    function test_the_first_of_several_unused_fields_is_named_with_its_whole_value() public {
        Terms memory terms = metered();
        (terms.goods, terms.arbiter, terms.defaultSellerBps) = (bytes32(type(uint256).max), stranger, 7);
        refuseTerms(terms, unsupported(Rail.METERED, 19, uint160(stranger)));
        terms.arbiter = address(0);
        refuseTerms(terms, unsupported(Rail.METERED, 22, 7));
        terms.defaultSellerBps = 0;
        refuseTerms(terms, unsupported(Rail.METERED, 23, type(uint256).max));
    }

    function assertRow(Terms memory base, bytes memory row) private {
        escrow.feasible(base);
        for (uint256 i = 0; i < row.length; i++) {
            assertField(base, uint8(FIRST + i), row[i]);
        }
    }

    function assertField(Terms memory base, uint8 place, bytes1 rule) private {
        if (rule == "j") return;
        Terms memory terms = copy(base);
        set(terms, place, VALUE);
        if (rule == "u") refuseTerms(terms, unsupported(base.rail, place, VALUE));
        else escrow.feasible(terms);
        set(terms, place, 0);
        if (rule == "r") refuseTerms(terms, abi.encodeWithSelector(IEscrow.FieldMissing.selector, base.rail, place));
        else if (rule == "w") refuseTerms(terms, abi.encodeWithSelector(IEscrow.WindowTooShort.selector, place, 0, 60));
        else escrow.feasible(terms);
    }

    /// @dev `open` stops at the rail or the bundle before it looks at the fields: those two are asked of the view alone.
    function refuseTerms(Terms memory terms, bytes memory reason) private {
        VM.expectRevert(reason);
        escrow.feasible(terms);
        if (terms.rail != Rail.ATOMIC && terms.bundle == 0) refuseOpen(terms, reason);
    }

    function unsupported(uint8 rail, uint8 field, uint256 value) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.FieldUnsupported.selector, rail, field, value);
    }
}
