// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Complaint, IExchangeArbiter, Sealed} from "../../../contracts/interfaces/IExchangeArbiter.sol";
import {Rail, Terms} from "../../../contracts/interfaces/Types.sol";
import {VM} from "../Cheats.sol";
import {Stage} from "../Stage.sol";
import {Parcel, Sealer} from "./Sealer.sol";

/// @notice The stage with an exchange arbiter on it, and data of five chunks in a tree of eight leaves.
abstract contract ExchangeStage is Stage {
    using Sealer for Parcel;

    bytes32 internal constant KEY = keccak256("the key of one deal");
    uint32 internal constant CHUNK = 64;
    uint256 internal constant LAST = 4;

    IExchangeArbiter internal arbiter;

    function setUp() public virtual override {
        super.setUp();
        arbiter = IExchangeArbiter(VM.deployCode("ExchangeArbiter.sol:ExchangeArbiter", abi.encode(escrow)));
    }

    function parcelOf(uint256 length, uint32 chunkSize) internal pure returns (Parcel memory) {
        bytes memory data = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            data[i] = bytes1(uint8(i * 7 + i / 251));
        }
        return Sealer.seal(data, KEY, chunkSize);
    }

    function honest() internal pure returns (Parcel memory) {
        return parcelOf(LAST * CHUNK + 13, CHUNK);
    }

    function spoilt(uint256 index) internal pure returns (Parcel memory parcel) {
        parcel = honest();
        parcel.spoil(index, 11);
    }

    function termsOf(Sealed memory goods) internal view returns (Terms memory terms) {
        terms = exchange();
        terms.arbiter = address(arbiter);
        terms.goods = Sealer.goodsHash(goods);
    }

    /// @dev Opened, and the key is out.
    function revealed(Sealed memory goods) internal returns (Terms memory terms) {
        terms = termsOf(goods);
        open(terms);
        arbiter.reveal(terms, goods, KEY);
    }

    function refuseReveal(Terms memory terms, Sealed memory goods, bytes32 key, bytes memory reason) internal {
        VM.expectRevert(reason);
        arbiter.reveal(terms, goods, key);
    }

    function refuseComplaint(Terms memory terms, Sealed memory goods, Complaint memory complaint, bytes memory reason)
        internal
    {
        VM.expectRevert(reason);
        arbiter.complain(terms, goods, complaint);
    }
}
