// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointAnchor} from "../../../contracts/interfaces/ICheckpointAnchor.sol";
import {VM, deployAt} from "../Cheats.sol";
import {AnchorStage} from "./AnchorStage.sol";

/// @notice The domain, as the contract tells it (ERC-5267).
interface IDomain {
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory);
}

/// @notice What Python signed (tests/vectors/anchor.json), judged by the contract on those chains and at those places.
contract AnchorVectorsTest is AnchorStage {
    string private _json;

    function test_a_checkpoint_s_digest_is_python_s_and_so_is_who_signed_it() public {
        _json = VM.readFile("tests/vectors/anchor.json");
        uint256 count = 0;
        for (string memory one = nth(0); VM.keyExistsJson(_json, one); one = nth(++count)) {
            judge(one);
        }
        VM.assertGt(count, 3);
    }

    function test_the_digest_is_that_of_the_words_of_eip_712() public view {
        bytes32 computed = digestOf(ORIGIN, 9, keccak256("root"), block.chainid, address(anchored));
        VM.assertEq(anchored.checkpointDigest(ORIGIN, 9, keccak256("root")), computed);
    }

    function test_the_domain_is_told() public view {
        (, string memory name, string memory version, uint256 chain, address verifier,,) =
            IDomain(address(anchored)).eip712Domain();
        VM.assertEq(name, "Parley Log");
        VM.assertEq(version, "1");
        VM.assertEq(chain, block.chainid);
        VM.assertTrue(verifier == address(anchored));
    }

    function judge(string memory one) private {
        VM.chainId(VM.parseJsonUint(_json, string.concat(one, ".chainId")));
        ICheckpointAnchor there = ICheckpointAnchor(VM.parseJsonAddress(_json, string.concat(one, ".anchor")));
        deployAt(address(there), "CheckpointAnchor.sol:CheckpointAnchor");
        bytes32 origin = VM.parseJsonBytes32(_json, string.concat(one, ".originHash"));
        uint64 size = uint64(VM.parseJsonUint(_json, string.concat(one, ".size")));
        bytes32 root = VM.parseJsonBytes32(_json, string.concat(one, ".root"));
        bytes32 digest = VM.parseJsonBytes32(_json, string.concat(one, ".digest"));
        VM.assertEq(there.checkpointDigest(origin, size, root), digest);
        // Signed, and still no checkpoint that is anchored.
        if (size == 0) return;
        bytes memory signature = VM.parseJsonBytes(_json, string.concat(one, ".signature"));
        there.anchor(signerOf(one), origin, size, root, NONE, signature);
    }

    function signerOf(string memory one) private view returns (address) {
        return VM.parseJsonAddress(_json, string.concat(one, ".key"));
    }

    function nth(uint256 index) private pure returns (string memory) {
        return string.concat(".checkpoints[", VM.toString(index), "]");
    }
}
