// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Terms} from "../../contracts/interfaces/Types.sol";
import {TermsLib} from "../../contracts/libraries/TermsLib.sol";
import {VM, deployAt} from "./Cheats.sol";

/// @notice The golden vectors that Python wrote: the same bytes must have the same names here. See Consents
/// for which signatures count.
contract VectorsTest {
    string private constant TERMS = "tests/vectors/terms.json";
    string private constant DEALS = "tests/vectors/deals.json";

    string private _json;

    function test_digests_of_terms_equal_the_golden_vectors() public {
        uint256 count = load(TERMS);
        for (uint256 i = 0; i < count; i++) {
            string memory where = item(i);
            Terms memory terms = read(string.concat(where, ".typed_data.message"));
            VM.assertEq(word(where, ".type_hash"), TermsLib.TYPE_HASH);
            VM.assertEq(keccak256(abi.encode(TermsLib.TYPE_HASH, terms)), word(where, ".struct_hash"));
            VM.assertEq(place(where).digest(terms), word(where, ".digest"));
        }
    }

    function test_what_else_is_signed_in_a_deal_has_the_hashes_of_the_golden_vectors() public {
        uint256[4] memory seen;
        uint256 count = load(DEALS);
        for (uint256 i = 0; i < count; i++) {
            string memory where = item(i);
            (bytes memory encoded, uint256 kind) = encode(where);
            VM.assertEq(keccak256(encoded), word(where, ".struct_hash"));
            bytes32 separator = word(where, ".domain_separator");
            bytes32 digest = keccak256(abi.encodePacked(hex"1901", separator, keccak256(encoded)));
            VM.assertEq(digest, word(where, ".digest"));
            seen[kind]++;
        }
        for (uint256 kind = 0; kind < seen.length; kind++) {
            VM.assertGt(seen[kind], 0);
        }
    }

    function test_signatures_of_the_golden_vectors_recover_their_signers() public {
        string[2] memory files = [TERMS, DEALS];
        for (uint256 file = 0; file < files.length; file++) {
            uint256 count = load(files[file]);
            for (uint256 i = 0; i < count; i++) {
                string memory where = item(i);
                bytes memory signature = VM.parseJsonBytes(_json, string.concat(where, ".signature"));
                (bytes32 r, bytes32 s) = abi.decode(signature, (bytes32, bytes32));
                address signer = ecrecover(word(where, ".digest"), uint8(signature[64]), r, s);
                VM.assertEq(signer, account(where, ".signer"));
            }
        }
    }

    function load(string memory file) private returns (uint256 count) {
        _json = VM.readFile(file);
        while (VM.keyExistsJson(_json, item(count))) count++;
        VM.assertGt(count, 0);
    }

    function item(uint256 index) private pure returns (string memory) {
        return string.concat(".vectors[", VM.toString(index), "]");
    }

    /// @dev The escrow of the vector's own domain: deployed at its address, on its chain.
    function place(string memory where) private returns (IEscrow escrow) {
        VM.chainId(number(where, ".typed_data.domain.chainId"));
        escrow = IEscrow(account(where, ".typed_data.domain.verifyingContract"));
        deployAt(address(escrow), "Escrow.sol:Escrow");
    }

    /// @dev EIP-712 hashStruct's preimage, member by member as the vector's own type says which.
    function encode(string memory where) private view returns (bytes memory encoded, uint256 kind) {
        string memory said = string.concat(where, ".typed_data.message");
        bytes32 typeHash = word(where, ".type_hash");
        if (typeHash == TermsLib.CREDITS_TYPE_HASH) return (encodeCredits(said), 0);
        if (typeHash == TermsLib.VOUCHER_TYPE_HASH) {
            return (abi.encode(typeHash, word(said, ".deal"), number(said, ".amount")), 1);
        }
        if (typeHash == TermsLib.SETTLEMENT_TYPE_HASH) return (encodeSettlement(said), 2);
        VM.assertEq(typeHash, TermsLib.BULK_TYPE_HASH);
        return (abi.encode(typeHash, word(said, ".root")), 3);
    }

    function encodeSettlement(string memory said) private view returns (bytes memory) {
        (bytes32 deal, uint256 validBefore) = (word(said, ".deal"), number(said, ".validBefore"));
        return abi.encode(
            TermsLib.SETTLEMENT_TYPE_HASH, deal, number(said, ".charge"), number(said, ".bondToSeller"), validBefore
        );
    }

    function encodeCredits(string memory said) private view returns (bytes memory) {
        bool multi = VM.parseJsonBool(_json, string.concat(said, ".multi"));
        return abi.encode(
            TermsLib.CREDITS_TYPE_HASH, account(said, ".token"), multi, number(said, ".id"), number(said, ".amount")
        );
    }

    function read(string memory where) private view returns (Terms memory terms) {
        terms.buyer = account(where, ".buyer");
        terms.seller = account(where, ".seller");
        terms.token = account(where, ".token");
        terms.price = uint104(number(where, ".price"));
        terms.feeBps = uint16(number(where, ".feeBps"));
        terms.feeRecipient = account(where, ".feeRecipient");
        terms.rail = uint8(number(where, ".rail"));
        terms.openBy = uint40(number(where, ".openBy"));
        terms.subject = word(where, ".subject");
        terms.previous = word(where, ".previous");
        terms.buyerNonce = number(where, ".buyerNonce");
        terms.sellerNonce = number(where, ".sellerNonce");
        terms.buyerEpoch = number(where, ".buyerEpoch");
        terms.sellerEpoch = number(where, ".sellerEpoch");
        readRail(terms, where);
    }

    function readRail(Terms memory terms, string memory where) private view {
        terms.bond = uint104(number(where, ".bond"));
        terms.deliveryWindow = uint32(number(where, ".deliveryWindow"));
        terms.reviewWindow = uint32(number(where, ".reviewWindow"));
        terms.noticeWindow = uint32(number(where, ".noticeWindow"));
        terms.voucherSigner = account(where, ".voucherSigner");
        terms.arbiter = account(where, ".arbiter");
        terms.arbiterFee = uint104(number(where, ".arbiterFee"));
        terms.arbitrationWindow = uint32(number(where, ".arbitrationWindow"));
        terms.defaultSellerBps = uint16(number(where, ".defaultSellerBps"));
        terms.goods = word(where, ".goods");
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
