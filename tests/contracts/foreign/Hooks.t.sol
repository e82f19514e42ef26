// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HollowItems} from "../../../contracts/mocks/tokens/HollowItems.sol";
import {HookedToken} from "../../../contracts/mocks/tokens/HookedToken.sol";
import {OpenItems} from "../../../contracts/mocks/tokens/OpenItems.sol";
import {HookedWallet} from "../../../contracts/mocks/wallets/HookedWallet.sol";
import {VM} from "../Cheats.sol";
import {pay, payReverts} from "./Pay.sol";

/// @notice A party with code is called where it should be, and can refuse, burn the gas or call back.
contract HooksTest {
    uint256 private constant ID = 5;

    HookedToken private _token;
    OpenItems private _items;
    HookedWallet private _wallet;

    function setUp() public {
        _token = new HookedToken();
        _items = new OpenItems();
        _wallet = new HookedWallet(address(0));
        _wallet.listen(_token);
        _token.mint(address(this), 1_000);
        _items.mint(address(this), ID, 1_000);
    }

    function test_a_sender_is_called_before_its_money_leaves() public {
        pay(address(_token), address(_wallet), 100);
        _wallet.prepare(address(_token), abi.encodeCall(_token.balanceOf, (address(_wallet))));
        VM.prank(address(_wallet));
        pay(address(_token), address(this), 40);
        VM.assertEq(_wallet.answer(), abi.encode(100));
    }

    function test_a_receiver_is_called_after_its_money_came() public {
        _wallet.prepare(address(_token), abi.encodeCall(_token.balanceOf, (address(_wallet))));
        pay(address(_token), address(_wallet), 100);
        VM.assertEq(_wallet.answer(), abi.encode(100));
        VM.assertEq(_wallet.hooks(), 1);
    }

    function test_an_account_that_did_not_ask_is_not_called() public {
        HookedWallet deaf = new HookedWallet(address(0));
        pay(address(_token), address(deaf), 100);
        VM.assertEq(deaf.hooks(), 0);
    }

    function test_a_refusal_stops_the_money_and_the_items() public {
        _wallet.turn(HookedWallet.Mood.REFUSE);
        payReverts(address(_token), address(_wallet), 100, abi.encodeWithSelector(HookedWallet.Refused.selector));
        VM.expectRevert(abi.encodeWithSelector(HookedWallet.Refused.selector));
        _items.safeTransferFrom(address(this), address(_wallet), ID, 1, "");
    }

    function test_a_hook_can_burn_all_the_gas_it_is_given() public {
        _wallet.turn(HookedWallet.Mood.BURN);
        // Not through the token: forge's isolation counts no gas of a transaction that its outermost call reverts.
        bytes memory received = abi.encodeCall(_wallet.tokensReceived, (address(this), address(_wallet), 1));
        uint256 before = gasleft();
        (bool done,) = address(_wallet).call{gas: 500_000}(received);
        VM.assertFalse(done);
        VM.assertGt(before - gasleft(), 500_000);
    }

    function test_a_receiver_of_items_is_called_after_they_came() public {
        _wallet.prepare(address(_items), abi.encodeCall(_items.balanceOf, (address(_wallet), ID)));
        _items.safeTransferFrom(address(this), address(_wallet), ID, 7, "");
        VM.assertEq(_wallet.answer(), abi.encode(7));
    }

    function test_hollow_items_stay_where_they_are() public {
        HollowItems hollow = new HollowItems();
        hollow.mint(address(this), ID, 3);
        hollow.safeTransferFrom(address(this), address(_wallet), ID, 3, "");
        VM.assertEq(hollow.balanceOf(address(this), ID), 3);
    }

    function onERC1155Received(address, address, uint256, uint256, bytes calldata) external pure returns (bytes4) {
        return this.onERC1155Received.selector;
    }
}
