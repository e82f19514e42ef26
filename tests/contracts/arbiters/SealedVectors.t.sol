// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Complaint, IExchangeArbiter, Sealed} from "../../../contracts/interfaces/IExchangeArbiter.sol";
import {State, Terms} from "../../../contracts/interfaces/Types.sol";
import {VM} from "../Cheats.sol";
import {ExchangeStage} from "./ExchangeStage.sol";
import {Sealer} from "./Sealer.sol";

/// @notice The one cheatcode that only these vectors need.
interface VmLists {
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
}

/// @notice What Python sealed (tests/vectors/sealed.json), judged by the contract.
contract SealedVectorsTest is ExchangeStage {
    string private _json;

    function setUp() public override {
        super.setUp();
        _json = VM.readFile("tests/vectors/sealed.json");
    }

    function test_the_arbiter_finds_every_chunk_as_python_does() public {
        uint256 wrong = 0;
        uint256 count = 0;
        for (string memory one = key(0); VM.keyExistsJson(_json, one); one = key(count)) {
            if (judge(one, count)) wrong++;
            count++;
        }
        // Both verdicts are met, or the loop has shown nothing.
        VM.assertGt(wrong, 5);
        VM.assertGt(count - wrong, 5);
    }

    function judge(string memory one, uint256 nonce) private returns (bool wrong) {
        Sealed memory goods = goodsOf(one);
        VM.assertEq(word(one, ".goods"), Sealer.goodsHash(goods));
        Complaint memory complaint = complaintOf(one);
        Terms memory terms = termsOf(goods);
        (terms.buyerNonce, terms.sellerNonce) = (nonce, nonce);
        fund(buyer, PRICE);
        fund(seller, BOND);
        bytes32 deal = open(terms);
        arbiter.reveal(terms, goods, complaint.key);

        wrong = word(one, ".decryptedLeaf") != complaint.leaf;
        if (!wrong) {
            bytes4 verdict = IExchangeArbiter.ChunkRight.selector;
            VM.expectRevert(abi.encodeWithSelector(verdict, complaint.index, complaint.leaf));
        }
        arbiter.complain(terms, goods, complaint);
        assertState(deal, wrong ? State.RESOLVED : State.DELIVERED);
    }

    function goodsOf(string memory one) private view returns (Sealed memory) {
        return Sealed(
            word(one, ".plaintextRoot"),
            word(one, ".ciphertextRoot"),
            word(one, ".keyHash"),
            uint40(VM.parseJsonUint(_json, string.concat(one, ".length"))),
            uint32(VM.parseJsonUint(_json, string.concat(one, ".chunkSize")))
        );
    }

    function complaintOf(string memory one) private view returns (Complaint memory) {
        return Complaint(
            word(one, ".key"),
            VM.parseJsonUint(_json, string.concat(one, ".index")),
            VM.parseJsonBytes(_json, string.concat(one, ".chunk")),
            VmLists(address(VM)).parseJsonBytes32Array(_json, string.concat(one, ".chunkProof")),
            word(one, ".leaf"),
            VmLists(address(VM)).parseJsonBytes32Array(_json, string.concat(one, ".leafProof"))
        );
    }

    function word(string memory one, string memory field) private view returns (bytes32) {
        return VM.parseJsonBytes32(_json, string.concat(one, field));
    }

    function key(uint256 index) private pure returns (string memory) {
        return string.concat(".cases[", VM.toString(index), "]");
    }
}
