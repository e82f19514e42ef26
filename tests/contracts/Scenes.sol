// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

/// @notice What can be asked of a deal once it has a name.
enum Operation {
    DELIVER,
    RELEASE,
    REDEEM,
    CLAIM,
    REFUND,
    DISPUTE,
    RESOLVE,
    EXPIRE,
    SETTLE,
    NOTICE,
    CLOSE
}

/// @notice Every call by one name, and a deal in every state that its rail can reach: what the tables of tests are made of.
abstract contract Scenes is Stage {
    /// @dev In the order of Operation.
    function(Terms memory, uint104, uint104) view returns (bytes memory)[11] private _calls =
        [_deliver, _release, _redeem, _claim, _refund, _dispute, _resolve, _expire, _settle, _notice, _close];
    uint256 private _scene;

    // ------------------------------------------------------------------ calls

    function encode(Operation operation, Terms memory terms) internal view returns (bytes memory) {
        return encode(operation, terms, terms.price, terms.bond);
    }

    /// @param amount the total that the call names, where it names one
    /// @param bondToSeller the seller's part of the bond, where the call splits it
    function encode(Operation operation, Terms memory terms, uint104 amount, uint104 bondToSeller)
        internal
        view
        returns (bytes memory)
    {
        return _calls[uint256(operation)](terms, amount, bondToSeller);
    }

    function _deliver(Terms memory terms, uint104 amount, uint104) private pure returns (bytes memory) {
        return abi.encodeCall(IEscrow.deliver, (terms, DELIVERABLE, amount));
    }

    function _release(Terms memory terms, uint104 amount, uint104) private pure returns (bytes memory) {
        return abi.encodeCall(IEscrow.release, (terms, amount));
    }

    function _redeem(Terms memory terms, uint104 amount, uint104) private view returns (bytes memory) {
        return abi.encodeCall(IEscrow.redeem, (terms, amount, voucher(keys[terms.buyer], escrow.digest(terms), amount)));
    }

    function _claim(Terms memory terms, uint104, uint104) private pure returns (bytes memory) {
        return abi.encodeCall(IEscrow.claim, (terms));
    }

    function _refund(Terms memory terms, uint104, uint104) private pure returns (bytes memory) {
        return abi.encodeCall(IEscrow.refund, (terms));
    }

    function _dispute(Terms memory terms, uint104, uint104) private pure returns (bytes memory) {
        return abi.encodeCall(IEscrow.dispute, (terms, REASONS));
    }

    function _resolve(Terms memory terms, uint104 amount, uint104 bondToSeller) private pure returns (bytes memory) {
        return abi.encodeCall(IEscrow.resolve, (terms, amount, bondToSeller));
    }

    function _expire(Terms memory terms, uint104, uint104) private pure returns (bytes memory) {
        return abi.encodeCall(IEscrow.expire, (terms));
    }

    function _settle(Terms memory terms, uint104 amount, uint104 bondToSeller) private view returns (bytes memory) {
        bytes32 signed = settlementDigest(escrow.digest(terms), amount, bondToSeller, FOREVER);
        (bytes memory ofBuyer, bytes memory ofSeller) =
            (sign(keys[terms.buyer], signed), sign(keys[terms.seller], signed));
        return abi.encodeCall(IEscrow.settle, (terms, amount, bondToSeller, FOREVER, ofBuyer, ofSeller));
    }

    function _notice(Terms memory terms, uint104, uint104) private pure returns (bytes memory) {
        return abi.encodeCall(IEscrow.notice, (terms));
    }

    /// @dev Without a voucher where there is nothing to redeem.
    function _close(Terms memory terms, uint104 amount, uint104) private view returns (bytes memory) {
        bytes32 deal = escrow.digest(terms);
        bool same = escrow.position(deal).released == amount;
        return
            abi.encodeCall(IEscrow.close, (terms, amount, same ? bytes("") : voucher(keys[terms.buyer], deal, amount)));
    }

    // ------------------------------------------------------------------ states

    /// @dev Whether a deal of the rail that names an arbiter can stand in the state.
    function reaches(uint8 rail, State state) internal pure returns (bool) {
        if (rail == Rail.ESCROW) return state != State.NOTICED;
        if (rail == Rail.EXCHANGE) return state != State.NOTICED && state != State.DISPUTED;
        return state < State.DELIVERED || state == State.RELEASED || state == State.SETTLED;
    }

    /// @dev A new deal of the rail, in the state since now.
    function reach(uint8 rail, State state) internal returns (Terms memory terms) {
        terms = rail == Rail.ESCROW ? disputable() : rail == Rail.METERED ? metered() : exchange();
        return bring(terms, state);
    }

    /// @dev Opens the terms under nonces of their own and takes the shortest way to the state.
    function bring(Terms memory terms, State state) internal returns (Terms memory) {
        (terms.buyerNonce, terms.sellerNonce) = (0x5ce7e00 + _scene, 0x5ce7e00 + _scene);
        _scene++;
        terms.openBy = uint40(block.timestamp + 600);
        if (state == State.NONE) return terms;
        fund(buyer, terms.price);
        fund(seller, terms.bond);
        open(terms);
        bool judged = state == State.DISPUTED || state == State.RESOLVED;
        if (judged || state == State.DELIVERED) deliver(terms, terms.price);
        if (judged && terms.rail == Rail.ESCROW) dispute(terms);
        if (state == State.RESOLVED) act(umpire, encode(Operation.RESOLVE, terms));
        if (state == State.NOTICED) act(buyer, encode(Operation.NOTICE, terms));
        if (state == State.RELEASED) act(buyer, encode(Operation.RELEASE, terms));
        if (state == State.REFUNDED) act(seller, encode(Operation.REFUND, terms));
        if (state == State.SETTLED) act(stranger, encode(Operation.SETTLE, terms));
        assertState(escrow.digest(terms), state);
        return terms;
    }

    // ------------------------------------------------------------------ boundaries

    /// @dev Refused at the deadline and after it, done in the second before.
    function actBefore(uint256 deadline, address caller, bytes memory call) internal {
        VM.warp(deadline + 1);
        refuse(caller, call, tooLate(deadline));
        VM.warp(deadline);
        refuse(caller, call, tooLate(deadline));
        VM.warp(deadline - 1);
        act(caller, call);
    }

    /// @dev Refused in the second before the instant, done at it.
    function actFrom(uint256 notBefore, address caller, bytes memory call) internal {
        VM.warp(notBefore - 1);
        refuse(caller, call, tooEarly(notBefore));
        VM.warp(notBefore);
        act(caller, call);
    }

    /// @dev floor(amount x bps / 10,000), by taking off what does not divide.
    function share(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return (amount * bps - mulmod(amount, bps, 10_000)) / 10_000;
    }

    // ------------------------------------------------------------------ tables

    /// @dev Refused with `required` in every state of the rail that is not one of `allowed`.
    function refuseInOtherStates(
        Operation operation,
        address caller,
        uint8 rail,
        State[] memory allowed,
        State required
    ) internal {
        for (uint8 each = 0; each <= uint8(type(State).max); each++) {
            State state = State(each);
            if (!reaches(rail, state) || _among(state, allowed)) continue;
            Terms memory terms = reach(rail, state);
            refuse(caller, encode(operation, terms), wrongState(state, required));
        }
    }

    /// @dev Refused to everybody on the stage, and to `anyone`, but `party`; `other` may call as well.
    function refuseOthers(bytes memory call, address anyone, address party, address other) internal {
        address[7] memory cast = [anyone, buyer, seller, umpire, recipient, stranger, voucherSigner];
        for (uint256 i = 0; i < cast.length; i++) {
            if (cast[i] != party && cast[i] != other) refuse(cast[i], call, wrongCaller(cast[i], party));
        }
    }

    function refuseOthers(bytes memory call, address anyone, address party) internal {
        refuseOthers(call, anyone, party, party);
    }

    function only(State state) internal pure returns (State[] memory states) {
        states = new State[](1);
        states[0] = state;
    }

    /// @dev The states that have not ended.
    function anyOpen() internal pure returns (State[] memory states) {
        states = new State[](4);
        (states[0], states[1], states[2], states[3]) = (State.FUNDED, State.NOTICED, State.DELIVERED, State.DISPUTED);
    }

    function _among(State state, State[] memory states) private pure returns (bool) {
        for (uint256 i = 0; i < states.length; i++) {
            if (states[i] == state) return true;
        }
        return false;
    }
}
