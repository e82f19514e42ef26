// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC3009, IERC3009Cancel} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {VM} from "./Cheats.sol";

/// @notice CreditToken, which is deployed by its artifact.
interface ICreditToken is IERC20Metadata, IERC20Permit, IERC3009, IERC3009Cancel {
    error WrongMinter(address caller, address minter);

    function minter() external view returns (address);
    function mint(address to, uint256 amount) external;
}

/// @notice The parts are OpenZeppelin's; these tests hold that they are put together as the standards say.
contract CreditTokenTest {
    uint256 private constant HOLDER_KEY = 0xc0de;
    uint256 private constant NOW = 1_800_000_000;
    bytes32 private constant NONCE = keccak256("a nonce");
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    string private constant AUTHORIZATION =
        "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)";

    struct Signature {
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    address private immutable holder = VM.addr(HOLDER_KEY);
    address private immutable payee = address(0xa11ce);
    ICreditToken private token;

    function setUp() public {
        VM.warp(NOW);
        token = ICreditToken(VM.deployCode("CreditToken.sol:CreditToken", abi.encode(address(this))));
        token.mint(holder, 1_000);
    }

    function test_token_is_named_and_has_six_decimals() public view {
        VM.assertEq(token.name(), "Parley Credit");
        VM.assertEq(token.symbol(), "PRC");
        VM.assertEq(token.decimals(), 6);
        VM.assertEq(token.minter(), address(this));
    }

    function test_mint_reverts_when_caller_is_not_the_minter() public {
        VM.expectRevert(abi.encodeWithSelector(ICreditToken.WrongMinter.selector, holder, address(this)));
        VM.prank(holder);
        token.mint(holder, 1);
        VM.assertEq(token.totalSupply(), 1_000);
    }

    function test_permit_sets_the_allowance_once_until_its_deadline() public {
        Signature memory permit = signPermit(payee, 70, NOW);
        token.permit(holder, payee, 70, NOW, permit.v, permit.r, permit.s);
        VM.assertEq(token.allowance(holder, payee), 70);
        VM.assertEq(token.nonces(holder), 1);

        // Under the next nonce the old signature is that of nobody.
        address nobody = ecrecover(digestOf(hashPermit(payee, 70, NOW)), permit.v, permit.r, permit.s);
        VM.expectRevert(abi.encodeWithSelector(ERC20Permit.ERC2612InvalidSigner.selector, nobody, holder));
        token.permit(holder, payee, 70, NOW, permit.v, permit.r, permit.s);
    }

    function test_permit_reverts_after_its_deadline() public {
        Signature memory permit = signPermit(payee, 70, NOW - 1);
        VM.expectRevert(abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, NOW - 1));
        token.permit(holder, payee, 70, NOW - 1, permit.v, permit.r, permit.s);
    }

    function test_transferWithAuthorization_can_be_relayed_by_anyone_once() public {
        Signature memory auth = signAuthorization("TransferWithAuthorization", payee, NOW - 1, NOW + 1);
        transfer(auth, payee, NOW - 1, NOW + 1);
        VM.assertEq(token.balanceOf(payee), 70);
        VM.assertTrue(token.authorizationState(holder, NONCE));

        VM.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, holder, NONCE));
        transfer(auth, payee, NOW - 1, NOW + 1);
    }

    function test_transferWithAuthorization_reverts_at_both_ends_of_its_time() public {
        refuseTime(NOW, NOW + 1);
        refuseTime(NOW - 1, NOW);
    }

    function test_transferWithAuthorization_reverts_for_another_payee() public {
        Signature memory auth = signAuthorization("TransferWithAuthorization", payee, NOW - 1, NOW + 1);
        VM.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009InvalidSignature.selector));
        transfer(auth, address(this), NOW - 1, NOW + 1);
    }

    function test_receiveWithAuthorization_is_the_payees_alone() public {
        Signature memory auth = signAuthorization("ReceiveWithAuthorization", payee, NOW - 1, NOW + 1);
        VM.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, payee));
        redeem(auth);
        VM.prank(payee);
        redeem(auth);
        VM.assertEq(token.balanceOf(payee), 70);
    }

    function test_cancelAuthorization_kills_the_authorization() public {
        Signature memory auth = signAuthorization("TransferWithAuthorization", payee, NOW - 1, NOW + 1);
        bytes32 typeHash = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");
        Signature memory cancel = sign(keccak256(abi.encode(typeHash, holder, NONCE)));
        token.cancelAuthorization(holder, NONCE, cancel.v, cancel.r, cancel.s);
        VM.assertTrue(token.authorizationState(holder, NONCE));

        VM.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, holder, NONCE));
        transfer(auth, payee, NOW - 1, NOW + 1);
    }

    function refuseTime(uint256 validAfter, uint256 validBefore) private {
        Signature memory auth = signAuthorization("TransferWithAuthorization", payee, validAfter, validBefore);
        VM.expectRevert(
            abi.encodeWithSelector(ERC3009.ERC3009InvalidAuthorizationTime.selector, validAfter, validBefore)
        );
        transfer(auth, payee, validAfter, validBefore);
    }

    function transfer(Signature memory auth, address to, uint256 validAfter, uint256 validBefore) private {
        token.transferWithAuthorization(holder, to, 70, validAfter, validBefore, NONCE, auth.v, auth.r, auth.s);
    }

    function redeem(Signature memory auth) private {
        token.receiveWithAuthorization(holder, payee, 70, NOW - 1, NOW + 1, NONCE, auth.v, auth.r, auth.s);
    }

    function signPermit(address spender, uint256 value, uint256 deadline) private view returns (Signature memory) {
        return sign(hashPermit(spender, value, deadline));
    }

    function hashPermit(address spender, uint256 value, uint256 deadline) private view returns (bytes32) {
        return keccak256(abi.encode(PERMIT, holder, spender, value, token.nonces(holder), deadline));
    }

    function signAuthorization(string memory kind, address to, uint256 validAfter, uint256 validBefore)
        private
        view
        returns (Signature memory)
    {
        bytes32 typeHash = keccak256(bytes(string.concat(kind, AUTHORIZATION)));
        return sign(keccak256(abi.encode(typeHash, holder, to, 70, validAfter, validBefore, NONCE)));
    }

    function sign(bytes32 structHash) private view returns (Signature memory signature) {
        (signature.v, signature.r, signature.s) = VM.sign(HOLDER_KEY, digestOf(structHash));
    }

    function digestOf(bytes32 structHash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash));
    }
}
