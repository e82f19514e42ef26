// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "../../contracts/interfaces/IEscrow.sol";
import {TermsLib} from "../../contracts/libraries/TermsLib.sol";
import {Escrow} from "../../contracts/Escrow.sol";
import {VM} from "./Cheats.sol";

/// @notice The golden vectors that Python wrote: the same bytes must have the same names here.
contract VectorsTest {
    string private _json;
    bytes private _code;

    function setUp() public {
        _json = VM.readFile("tests/vectors/terms.json");
        _code = address(new Escrow()).code;
    }

    function test_digests_equal_the_golden_vectors() public {
        uint256 count;
        for (string memory where = vector(0); VM.keyExistsJson(_json, where); where = vector(++count)) {
            Terms memory terms = read(string.concat(where, ".typed_data.message"));
            VM.assertEq(hashOf(terms), VM.parseJsonBytes32(_json, string.concat(where, ".struct_hash")));
            VM.assertEq(place(where).digest(terms), VM.parseJsonBytes32(_json, string.concat(where, ".digest")));
        }
        VM.assertGt(count, 0);
    }

    function test_type_hash_equals_the_golden_vectors() public view {
        VM.assertEq(TermsLib.TYPE_HASH, VM.parseJsonBytes32(_json, ".vectors[0].type_hash"));
    }

    function test_signatures_of_the_golden_vectors_recover_their_signers() public view {
        uint256 count;
        for (string memory where = vector(0); VM.keyExistsJson(_json, where); where = vector(++count)) {
            bytes32 digest = VM.parseJsonBytes32(_json, string.concat(where, ".digest"));
            bytes memory signature = VM.parseJsonBytes(_json, string.concat(where, ".signature"));
            VM.assertEq(recover(digest, signature), VM.parseJsonAddress(_json, string.concat(where, ".signer")));
        }
    }

    function vector(uint256 index) private pure returns (string memory) {
        return string.concat(".vectors[", VM.toString(index), "]");
    }

    /// @dev The escrow of the vector's own domain: its code, at its address, on its chain.
    function place(string memory where) private returns (Escrow escrow) {
        VM.chainId(number(where, ".typed_data.domain.chainId"));
        escrow = Escrow(account(where, ".typed_data.domain.verifyingContract"));
        VM.etch(address(escrow), _code);
    }

    /// @dev EIP-712 hashStruct a second way: member by member, without TermsLib.
    function hashOf(Terms memory terms) private pure returns (bytes32) {
        bytes memory first =
            abi.encode(terms.buyer, terms.seller, terms.arbiter, terms.token, terms.price, terms.bond, terms.feeBps);
        bytes memory second = abi.encode(
            terms.feeRecipient, terms.arbiterFee, terms.rail, terms.openBy, terms.deliveryWindow, terms.reviewWindow
        );
        bytes memory third = abi.encode(
            terms.arbitrationWindow, terms.defaultSellerBps, terms.subject, terms.previous, terms.buyerNonce
        );
        bytes memory fourth =
            abi.encode(terms.sellerNonce, terms.buyerEpoch, terms.sellerEpoch, terms.voucherSigner, terms.bundle);
        return keccak256(bytes.concat(TermsLib.TYPE_HASH, first, second, third, fourth));
    }

    function recover(bytes32 digest, bytes memory signature) private pure returns (address) {
        (bytes32 r, bytes32 s) = abi.decode(signature, (bytes32, bytes32));
        return ecrecover(digest, uint8(signature[64]), r, s);
    }

    function read(string memory where) private view returns (Terms memory terms) {
        terms.buyer = account(where, ".buyer");
        terms.seller = account(where, ".seller");
        terms.arbiter = account(where, ".arbiter");
        terms.token = account(where, ".token");
        terms.price = uint128(number(where, ".price"));
        terms.bond = uint128(number(where, ".bond"));
        terms.feeBps = uint16(number(where, ".feeBps"));
        terms.feeRecipient = account(where, ".feeRecipient");
        terms.arbiterFee = uint128(number(where, ".arbiterFee"));
        terms.rail = uint8(number(where, ".rail"));
        terms.openBy = uint40(number(where, ".openBy"));
        terms.deliveryWindow = uint32(number(where, ".deliveryWindow"));
        terms.reviewWindow = uint32(number(where, ".reviewWindow"));
        terms.arbitrationWindow = uint32(number(where, ".arbitrationWindow"));
        terms.defaultSellerBps = uint16(number(where, ".defaultSellerBps"));
        terms.subject = word(where, ".subject");
        terms.previous = word(where, ".previous");
        terms.buyerNonce = number(where, ".buyerNonce");
        terms.sellerNonce = number(where, ".sellerNonce");
        terms.buyerEpoch = number(where, ".buyerEpoch");
        terms.sellerEpoch = number(where, ".sellerEpoch");
        terms.voucherSigner = account(where, ".voucherSigner");
        terms.bundle = word(where, ".bundle");
    }

    function account(string memory where, string memory member) private view returns (address) {
        return VM.parseJsonAddress(_json, string.concat(where, member));
    }

    function number(string memory where, string memory member) private view returns (uint256) {
        return VM.parseJsonUint(_json, string.concat(where, member));
    }

    function word(string memory where, string memory member) private view returns (bytes32) {
        return VM.parseJsonBytes32(_json, string.concat(where, member));
    }
}
