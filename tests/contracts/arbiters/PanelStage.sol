// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPanelArbiter, Vote} from "../../../contracts/interfaces/IPanelArbiter.sol";
import {IEscrow} from "../../../contracts/interfaces/IEscrow.sol";
import {Terms} from "../../../contracts/interfaces/Types.sol";
import {VM} from "../Cheats.sol";
import {Stage} from "../Stage.sol";

/// @notice The stage with a panel of three on it, two of whom rule.
abstract contract PanelStage is Stage {
    IPanelArbiter internal panel;
    uint256[3] private _keys;

    function setUp() public virtual override {
        super.setUp();
        // In the ascending order of their addresses, as the panel wants its members.
        uint256[3] memory keys = [uint256(0x3e1), 0x3e2, 0x3e3];
        for (uint256 i = 0; i < 3; i++) {
            for (uint256 k = i + 1; k < 3; k++) {
                if (VM.addr(keys[k]) < VM.addr(keys[i])) (keys[i], keys[k]) = (keys[k], keys[i]);
            }
        }
        _keys = keys;
        panel = deployPanel(2, sorted(member(0), member(1), member(2)));
    }

    function memberKey(uint256 seat) internal view returns (uint256) {
        return _keys[seat];
    }

    function member(uint256 seat) internal view returns (address) {
        return VM.addr(_keys[seat]);
    }

    function deployPanel(uint256 threshold, address[] memory seats) internal returns (IPanelArbiter) {
        return IPanelArbiter(VM.deployCode("PanelArbiter.sol:PanelArbiter", abi.encode(escrow, threshold, seats)));
    }

    function disputed() internal returns (Terms memory) {
        return disputed(0);
    }

    /// @dev Delivered for the whole price and disputed, all at START; `nonce` tells deals of one test apart.
    function disputed(uint256 nonce) internal returns (Terms memory terms) {
        terms = disputable();
        terms.arbiter = address(panel);
        (terms.buyerNonce, terms.sellerNonce) = (nonce, nonce);
        if (nonce != 0) fund(buyer, PRICE);
        if (nonce != 0) fund(seller, BOND);
        open(terms);
        deliver(terms, PRICE);
        dispute(terms);
    }

    /// @dev The first `count` members' votes for one ruling.
    function votesOf(bytes32 deal, uint104 charge, uint104 bondToSeller, uint256 count)
        internal
        view
        returns (Vote[] memory votes)
    {
        votes = new Vote[](count);
        bytes32 signed = rulingDigest(deal, charge, bondToSeller);
        for (uint256 i = 0; i < count; i++) {
            votes[i] = Vote(member(i), sign(memberKey(i), signed));
        }
    }

    function rulingDigest(bytes32 deal, uint104 charge, uint104 bondToSeller) internal view returns (bytes32) {
        return rulingDigestOn(block.chainid, deal, charge, bondToSeller);
    }

    /// @dev Computed from the domain's words, with nothing asked of the panel but its address.
    function rulingDigestOn(uint256 chainId, bytes32 deal, uint104 charge, uint104 bondToSeller)
        internal
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Parley panel"),
                keccak256("1"),
                chainId,
                address(panel)
            )
        );
        bytes32 typeHash = keccak256("Ruling(bytes32 deal,uint104 charge,uint104 bondToSeller)");
        bytes32 ruling = keccak256(abi.encode(typeHash, deal, charge, bondToSeller));
        return keccak256(abi.encodePacked(hex"1901", domain, ruling));
    }

    function refuseRule(
        Terms memory terms,
        uint104 charge,
        uint104 bondToSeller,
        Vote[] memory votes,
        bytes memory reason
    ) internal {
        VM.expectRevert(reason);
        panel.rule(terms, charge, bondToSeller, votes);
    }

    function refusePanel(uint256 threshold, address[] memory seats, bytes memory reason) internal {
        try this.deployOutside(threshold, seats) {
            VM.assertTrue(false);
        } catch (bytes memory said) {
            VM.assertEq(said, reason);
        }
    }

    function deployOutside(uint256 threshold, address[] memory seats) external {
        deployPanel(threshold, seats);
    }

    /// @dev What the vote's signature recovers to over a ruling that its member did not sign.
    function badVote(Vote memory vote, bytes32 deal, uint104 charge, uint104 bondToSeller)
        internal
        view
        returns (bytes memory)
    {
        bytes memory signature = vote.signature;
        (bytes32 r, bytes32 s) = (word(signature, 0x20), word(signature, 0x40));
        address recovered = ecrecover(rulingDigest(deal, charge, bondToSeller), uint8(signature[64]), r, s);
        return abi.encodeWithSelector(IEscrow.WrongSigner.selector, vote.member, recovered);
    }

    function outOfOrder(address last, address given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IPanelArbiter.OutOfOrder.selector, last, given);
    }

    function sorted(address a, address b) internal pure returns (address[] memory seats) {
        seats = new address[](2);
        (seats[0], seats[1]) = a < b ? (a, b) : (b, a);
    }

    function sorted(address a, address b, address c) internal pure returns (address[] memory seats) {
        seats = new address[](3);
        (address low, address high) = a < b ? (a, b) : (b, a);
        (seats[0], seats[1], seats[2]) = c < low ? (c, low, high) : c < high ? (low, c, high) : (low, high, c);
    }

    function word(bytes memory data, uint256 offset) private pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := mload(add(data, offset))
        }
    }
}
