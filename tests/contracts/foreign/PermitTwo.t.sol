// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "../../../contracts/mocks/tokens/OpenToken.sol";
import {VM} from "../Cheats.sol";
import {IPermitTwo, PERMIT_TWO, Witness, permitTwoDigest, placePermitTwo} from "./PermitTwo.sol";

/// @notice The real Permit2, by itself: what the escrow's funding relies on. This contract is the spender.
contract PermitTwoTest {
    uint256 private constant OWNER_KEY = 0x0b0e;
    uint256 private constant AMOUNT = 1_000_003;
    string private constant TYPE_STRING =
        "Deal witness)Deal(bytes32 digest)TokenPermissions(address token,uint256 amount)";

    address private immutable _owner = VM.addr(OWNER_KEY);
    OpenToken private _token;

    function setUp() public {
        placePermitTwo();
        _token = new OpenToken();
        _token.mint(_owner, 2 * AMOUNT);
        VM.prank(_owner);
        _token.approve(address(PERMIT_TWO), type(uint256).max);
    }

    function test_the_domain_is_that_of_this_chain() public view {
        bytes32 typeHash = keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)");
        bytes32 expected = keccak256(
            abi.encode(typeHash, keccak256("Permit2"), block.chainid, 0x000000000022D473030F116dDEE9F6B43aC78BA3)
        );
        VM.assertEq(PERMIT_TWO.DOMAIN_SEPARATOR(), expected);
    }

    function test_a_permit_moves_the_money_for_its_witness_once() public {
        bytes memory signature = sign(address(this), witness("deal"));
        spend(witness("deal"), AMOUNT, signature);
        VM.assertEq(_token.balanceOf(address(this)), AMOUNT);
        VM.expectRevert(abi.encodeWithSelector(IPermitTwo.InvalidNonce.selector));
        spend(witness("deal"), AMOUNT, signature);
    }

    function test_a_permit_pays_for_no_other_witness() public {
        bytes memory signature = sign(address(this), witness("deal"));
        VM.expectRevert(abi.encodeWithSelector(IPermitTwo.InvalidSigner.selector));
        spend(witness("another deal"), AMOUNT, signature);
    }

    function test_a_permit_serves_no_other_spender() public {
        bytes memory signature = sign(address(0x57a6e), witness("deal"));
        VM.expectRevert(abi.encodeWithSelector(IPermitTwo.InvalidSigner.selector));
        spend(witness("deal"), AMOUNT, signature);
    }

    function test_a_permit_moves_no_more_than_it_says() public {
        bytes memory signature = sign(address(this), witness("deal"));
        VM.expectRevert(abi.encodeWithSelector(IPermitTwo.InvalidAmount.selector, AMOUNT));
        spend(witness("deal"), AMOUNT + 1, signature);
    }

    function test_a_permit_holds_in_the_second_of_its_deadline_and_not_after() public {
        bytes memory signature = sign(address(this), witness("deal"));
        uint256 deadline = permit().deadline;
        VM.warp(deadline + 1);
        VM.expectRevert(abi.encodeWithSelector(IPermitTwo.SignatureExpired.selector, deadline));
        spend(witness("deal"), AMOUNT, signature);
        VM.warp(deadline);
        spend(witness("deal"), AMOUNT, signature);
    }

    function test_an_owner_takes_a_permit_back_by_its_nonce() public {
        bytes memory signature = sign(address(this), witness("deal"));
        uint256 nonce = permit().nonce;
        VM.prank(_owner);
        PERMIT_TWO.invalidateUnorderedNonces(nonce >> 8, 1 << (nonce & 0xff));
        VM.expectRevert(abi.encodeWithSelector(IPermitTwo.InvalidNonce.selector));
        spend(witness("deal"), AMOUNT, signature);
    }

    function permit() private view returns (IPermitTwo.PermitTransferFrom memory) {
        return IPermitTwo.PermitTransferFrom(
            IPermitTwo.TokenPermissions(address(_token), AMOUNT), uint256(keccak256("nonce")), 1_800_000_000
        );
    }

    function witness(string memory deal) private pure returns (Witness memory) {
        bytes32 hash = keccak256(abi.encode(keccak256("Deal(bytes32 digest)"), keccak256(bytes(deal))));
        return Witness(hash, TYPE_STRING);
    }

    function sign(address spender, Witness memory signed) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(OWNER_KEY, permitTwoDigest(permit(), spender, signed));
        return abi.encodePacked(r, s, v);
    }

    function spend(Witness memory shown, uint256 amount, bytes memory signature) private {
        PERMIT_TWO.permitWitnessTransferFrom(
            permit(),
            IPermitTwo.SignatureTransferDetails(address(this), amount),
            _owner,
            shown.hash,
            shown.typeString,
            signature
        );
    }
}
