// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DelegateWallet} from "../../../contracts/mocks/wallets/DelegateWallet.sol";
import {OpenToken} from "../../../contracts/mocks/tokens/OpenToken.sol";
import {SmartWallet} from "../../../contracts/mocks/SmartWallet.sol";
import {VM} from "../Cheats.sol";
import {FOREIGN_VM} from "./ForeignCheats.sol";
import {
    IFiatToken,
    PERMIT_TYPE_HASH,
    PROXY_ADMIN,
    RECEIVE_TYPE_HASH,
    issueFiatToken,
    tokenDigest
} from "./FiatToken.sol";
import {pay, payReverts} from "./Pay.sol";

/// @notice USDC's own code by itself: what the escrow's funding relies on. This contract receives.
contract FiatTokenTest {
    uint256 private constant PAYER_KEY = 0x9a7e4;
    uint256 private constant AMOUNT = 1_000_003;
    uint256 private constant BEFORE = 1_800_000_000;
    bytes32 private constant NONCE = keccak256("a deal's digest");

    address private immutable _payer = VM.addr(PAYER_KEY);
    IFiatToken private _token;

    function setUp() public {
        VM.warp(BEFORE - 600);
        _token = issueFiatToken(address(this));
        _token.mint(_payer, 2 * AMOUNT);
    }

    function test_an_authorization_pays_its_receiver_once() public {
        bytes memory signature = sign(receipt(_payer, address(this)));
        receiveFrom(_payer, NONCE, signature);
        VM.assertEq(_token.balanceOf(address(this)), AMOUNT);
        VM.assertTrue(_token.authorizationState(_payer, NONCE));
        VM.expectRevert("FiatTokenV2: authorization is used or canceled");
        receiveFrom(_payer, NONCE, signature);
    }

    function test_an_authorization_pays_for_no_other_nonce() public {
        bytes memory signature = sign(receipt(_payer, address(this)));
        VM.expectRevert("FiatTokenV2: invalid signature");
        receiveFrom(_payer, keccak256("another deal's digest"), signature);
    }

    function test_an_authorization_is_handed_in_by_its_receiver_alone() public {
        bytes memory signature = sign(receipt(_payer, address(this)));
        VM.prank(address(0x57a6e));
        VM.expectRevert("FiatTokenV2: caller must be the payee");
        _token.receiveWithAuthorization(_payer, address(this), AMOUNT, 0, BEFORE, NONCE, signature);
    }

    function test_an_authorization_in_three_parts_pays_as_well() public {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(PAYER_KEY, receipt(_payer, address(this)));
        _token.receiveWithAuthorization(_payer, address(this), AMOUNT, 0, BEFORE, NONCE, v, r, s);
        VM.assertEq(_token.balanceOf(address(this)), AMOUNT);
    }

    function test_a_wallet_with_code_authorizes_by_its_own_word() public {
        address wallet = address(new SmartWallet(_payer));
        _token.mint(wallet, AMOUNT);
        receiveFrom(wallet, NONCE, sign(receipt(wallet, address(this))));
        VM.assertEq(_token.balanceOf(wallet), 0);
    }

    function test_a_delegated_account_authorizes_only_if_its_code_says_so() public {
        bytes memory signature = sign(receipt(_payer, address(this)));
        delegateTo(address(new OpenToken()));
        VM.expectRevert("FiatTokenV2: invalid signature");
        receiveFrom(_payer, NONCE, signature);
        delegateTo(address(new DelegateWallet()));
        receiveFrom(_payer, NONCE, signature);
        VM.assertEq(_token.balanceOf(address(this)), AMOUNT);
    }

    function test_a_permit_allows_the_spender_and_a_second_one_is_refused() public {
        bytes32 structHash = keccak256(abi.encode(PERMIT_TYPE_HASH, _payer, address(this), AMOUNT, 0, BEFORE));
        bytes memory signature = sign(tokenDigest(_token, structHash));
        _token.permit(_payer, address(this), AMOUNT, BEFORE, signature);
        VM.assertEq(_token.allowance(_payer, address(this)), AMOUNT);
        VM.expectRevert("EIP2612: invalid signature");
        _token.permit(_payer, address(this), AMOUNT, BEFORE, signature);
    }

    function test_a_barred_account_neither_pays_nor_is_paid() public {
        _token.mint(address(this), AMOUNT);
        bytes memory signature = sign(receipt(_payer, address(this)));
        _token.blacklist(_payer);
        payReverts(
            address(_token),
            _payer,
            1,
            abi.encodeWithSignature("Error(string)", "Blacklistable: account is blacklisted")
        );
        VM.expectRevert("Blacklistable: account is blacklisted");
        receiveFrom(_payer, NONCE, signature);
        _token.unBlacklist(_payer);
        pay(address(_token), _payer, 1);
        VM.assertEq(_token.balanceOf(_payer), 2 * AMOUNT + 1);
    }

    function test_nothing_moves_while_paused() public {
        _token.mint(address(this), AMOUNT);
        bytes memory signature = sign(receipt(_payer, address(this)));
        _token.pause();
        payReverts(address(_token), _payer, 1, abi.encodeWithSignature("Error(string)", "Pausable: paused"));
        VM.expectRevert("Pausable: paused");
        receiveFrom(_payer, NONCE, signature);
        _token.unpause();
        pay(address(_token), _payer, 1);
        VM.assertEq(_token.balanceOf(_payer), 2 * AMOUNT + 1);
    }

    function test_the_proxys_admin_cannot_use_the_token() public {
        VM.prank(PROXY_ADMIN);
        VM.expectRevert("Cannot call fallback function from the proxy admin");
        _token.balanceOf(_payer);
    }

    function delegateTo(address implementation) private {
        FOREIGN_VM.signAndAttachDelegation(implementation, PAYER_KEY);
    }

    function receipt(address from, address to) private view returns (bytes32) {
        return tokenDigest(_token, keccak256(abi.encode(RECEIVE_TYPE_HASH, from, to, AMOUNT, 0, BEFORE, NONCE)));
    }

    function sign(bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(PAYER_KEY, digest);
        return abi.encodePacked(r, s, v);
    }

    function receiveFrom(address from, bytes32 nonce, bytes memory signature) private {
        _token.receiveWithAuthorization(from, address(this), AMOUNT, 0, BEFORE, nonce, signature);
    }
}
