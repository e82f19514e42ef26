// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, Terms} from "../../contracts/interfaces/Types.sol";
import {TermsLib} from "../../contracts/libraries/TermsLib.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

/// @notice Signatures over terms, alone and with a proof, and the ways in which an opening is refused.
abstract contract Openings is Stage {
    bytes16 internal constant TAG = bytes16(keccak256("Parley.Consent"));

    function signed(Terms memory terms) internal view returns (Opening memory) {
        return signed(terms, BUYER_KEY, SELLER_KEY);
    }

    function signed(Terms memory terms, uint256 buyerKey, uint256 sellerKey) internal view returns (Opening memory) {
        bytes32 deal = escrow.digest(terms);
        return Opening(terms, sign(buyerKey, deal), sign(sellerKey, deal), "", "");
    }

    function structHash(Terms memory terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(TermsLib.TYPE_HASH, terms));
    }

    function copy(Terms memory terms) internal pure returns (Terms memory) {
        return abi.decode(abi.encode(terms), (Terms));
    }

    /// @dev What the seller of an open offer signs.
    function unnamed(Terms memory terms) internal pure returns (Terms memory bare) {
        bare = copy(terms);
        (bare.buyer, bare.buyerNonce, bare.buyerEpoch) = (address(0), 0, 0);
    }

    /// @dev Overwrites the member at a place of Terms: in memory each takes one word.
    function set(Terms memory terms, uint256 place, uint256 value) internal pure {
        assembly ("memory-safe") {
            mstore(add(terms, shl(5, place)), value)
        }
    }

    function bulkDigest(bytes32 root) internal view returns (bytes32) {
        return typedDigest(keccak256(abi.encode(keccak256("Bulk(bytes32 root)"), root)));
    }

    /// @dev signature ‖ siblings ‖ tail
    function withProof(bytes memory signature, bytes32[] memory siblings, bool open_)
        internal
        pure
        returns (bytes memory)
    {
        return withTail(abi.encodePacked(signature, siblings), open_ ? 1 : 0, uint64(siblings.length));
    }

    function withTail(bytes memory signature, uint64 open_, uint64 count) internal pure returns (bytes memory) {
        return abi.encodePacked(signature, TAG, open_, count);
    }

    /// @dev One more account with money and an allowance.
    function join(address account) internal returns (address) {
        fund(account, PRICE);
        return account;
    }

    /// @dev The call must revert with this error, whatever its figures.
    function refuseWith(bytes memory call, bytes4 expected) internal {
        (bool done, bytes memory said) = address(escrow).call(call);
        VM.assertFalse(done);
        VM.assertEq(bytes32(bytes4(said)), bytes32(expected));
    }

    function wrongBundle(bytes32 signed_, bytes32 given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.WrongBundle.selector, signed_, given);
    }

    function nonceSpent(address signer, uint256 nonce) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccounts.NonceSpent.selector, signer, nonce);
    }

    function epochStale(address signer, uint256 signed_, uint256 current) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccounts.EpochStale.selector, signer, signed_, current);
    }

    function balanceShort(address account, uint256 held, uint256 needed) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccounts.BalanceShort.selector, account, held, needed);
    }

    function fundsShort(address account, uint256 held, uint256 needed) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccounts.FundsShort.selector, account, held, needed);
    }

    function allowanceShort(address account, uint256 allowed, uint256 needed) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccounts.AllowanceShort.selector, account, allowed, needed);
    }

    function pullShort(address token_, uint256 expected, uint256 received) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccounts.PullShort.selector, token_, expected, received);
    }
}
