// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Own, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {SmartWallet} from "../../contracts/mocks/SmartWallet.sol";
import {VM} from "./Cheats.sol";
import {Series} from "./Series.sol";

/// @notice Which signatures redeem a series, and which do not.
contract SeriesVouchersTest is Series {
    function test_a_voucher_counts_for_its_own_list_order_and_amount() public {
        Terms memory terms = offer();
        openSeries(terms, ownsOf(7));
        string[6] memory lists = ["01234", "0123456", "012346", "021345", "345012", "0"];
        for (uint256 i = 0; i < lists.length; i++) {
            refuseVoucher(terms, picked(ownsOf(7), order(lists[i])), CHARGE);
        }
        refuseVoucher(terms, ownsOf(6), CHARGE + 1);
        refuseVoucher(terms, ownsOf(6), CHARGE - 1);
        terms.price += 1;
        refuseVoucher(terms, ownsOf(6), CHARGE);
        assertHeld(seller, 1_001 * uint256(BOND) - 7 * uint256(BOND));
    }

    function test_the_voucher_of_one_deal_is_not_that_of_a_series_nor_the_reverse() public {
        (Terms memory terms, Own[] memory owns) = opened(offer(), 3, 0);
        Own[] memory one = picked(owns, order("0"));
        Terms memory first = member(terms, owns[0]);
        bytes memory single = voucher(escrow.digest(first), CHARGE);
        refuseForged(stranger, abi.encodeCall(IEscrow.redeemSeries, (terms, owns, CHARGE, single)));
        refuseForged(stranger, abi.encodeCall(IEscrow.redeemSeries, (terms, one, CHARGE, single)));
        bytes memory ofThree = vouchSeries(BUYER_KEY, terms, owns, CHARGE);
        refuseForged(stranger, abi.encodeCall(IEscrow.redeem, (first, CHARGE, ofThree)));
        bytes memory ofOne = vouchSeries(BUYER_KEY, terms, one, CHARGE);
        refuseForged(stranger, abi.encodeCall(IEscrow.redeem, (first, CHARGE, ofOne)));
        assertAll(terms, owns, State.FUNDED, 0);
    }

    function test_what_opened_the_series_redeems_nothing() public {
        (Terms memory terms, Own[] memory owns) = opened(offer(), 3, 0);
        bytes memory ofOpening = signSeries(BUYER_KEY, terms, owns);
        refuseForged(stranger, abi.encodeCall(IEscrow.redeemSeries, (terms, owns, PRICE, ofOpening)));
    }

    function test_only_the_key_that_the_terms_name_signs_for_the_series() public {
        (Terms memory terms, Own[] memory owns) = opened(offer(), 2, 0);
        redeemSigned(SELLER_KEY, terms, owns, wrongSigner(buyer, seller));
        redeemSigned(VOUCHER_KEY, terms, owns, wrongSigner(buyer, voucherSigner));
        terms.voucherSigner = voucherSigner;
        openSeries(terms, ownsOf(2, 10));
        redeemSigned(BUYER_KEY, terms, ownsOf(2, 10), wrongSigner(voucherSigner, buyer));
        act(stranger, signedBy(VOUCHER_KEY, terms, ownsOf(2, 10)));
        assertAll(terms, ownsOf(2, 10), State.FUNDED, CHARGE);
    }

    function test_a_wallet_signs_for_its_series() public {
        Terms memory terms = offer();
        terms.buyer = join(address(new SmartWallet(buyer)));
        fund(terms.buyer, PRICE);
        openSeries(terms, ownsOf(2));
        redeemSeries(terms, ownsOf(2), CHARGE);
        assertAll(terms, ownsOf(2), State.FUNDED, CHARGE);
    }

    function test_a_series_of_no_deals_reverts() public {
        bytes memory call = abi.encodeCall(IEscrow.redeemSeries, (offer(), new Own[](0), CHARGE, ""));
        refuse(stranger, call, indexOutside());
    }

    function test_the_exchange_rail_redeems_no_series_as_it_redeems_no_single_voucher() public {
        (Terms memory terms, Own[] memory owns) = opened(exchange(), 2, 0);
        refuse(stranger, encodeRedeem(terms, owns, CHARGE), wrongRail(Rail.EXCHANGE, Rail.ESCROW));
    }

    function signedBy(uint256 key, Terms memory terms, Own[] memory owns) private view returns (bytes memory) {
        return abi.encodeCall(IEscrow.redeemSeries, (terms, owns, CHARGE, vouchSeries(key, terms, owns, CHARGE)));
    }

    function redeemSigned(uint256 key, Terms memory terms, Own[] memory owns, bytes memory reason) private {
        refuse(stranger, signedBy(key, terms, owns), reason);
    }

    /// @dev The buyer signed CHARGE in each of the deals 0 to 5, and this is something else.
    function refuseVoucher(Terms memory terms, Own[] memory owns, uint104 amount) private {
        bytes memory signature = vouchSeries(BUYER_KEY, offer(), ownsOf(6), CHARGE);
        refuseForged(stranger, abi.encodeCall(IEscrow.redeemSeries, (terms, owns, amount, signature)));
    }
}
