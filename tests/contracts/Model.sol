// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {Page} from "./Books.sol";
import {Operation} from "./Scenes.sol";

/// @notice Somebody calls; the amounts are those of the operations that name them.
struct Call {
    Operation operation;
    address caller;
    uint104 amount;
    uint104 bondToSeller;
}

/// @notice A deal as its documentation tells it: which calls it takes now, and where they lead. Nothing here is the escrow's.
library Model {
    /// @notice Whether the deal takes the call, if who has to pay for it can.
    function takes(Page memory page, Terms memory terms, Call memory call) internal view returns (bool) {
        return inState(page, terms, call.operation) && byItsCaller(terms, call) && inTime(page, terms, call)
            && withinBounds(page, terms, call);
    }

    /// @notice The deal after a call that it takes; what it paid is not told here.
    function afterwards(Page memory page, Terms memory terms, Call memory call) internal view returns (Page memory) {
        (State state, uint256 released) = next(page, terms, call);
        if (call.operation == Operation.DELIVER) page.charge = call.amount;
        if (call.operation == Operation.DISPUTE) page.stake = terms.arbiterFee;
        if (state != page.state) (page.state, page.since) = (state, block.timestamp);
        page.released = released;
        return page;
    }

    /// @notice What is due in all: the price before a delivery, the charge after it.
    function due(Page memory page, Terms memory terms) internal pure returns (uint256) {
        return page.state < State.DELIVERED ? terms.price : page.charge;
    }

    function isOpen(Page memory page) internal pure returns (bool) {
        return page.state != State.NONE && page.state <= State.DISPUTED;
    }

    function redeemable(Page memory page, Terms memory terms, uint256 amount) internal view returns (bool) {
        return isOpen(page) && (terms.rail != Rail.METERED || block.timestamp < graceEnd(page, terms))
            && good(page, terms, amount) > page.released;
    }

    function next(Page memory page, Terms memory terms, Call memory call) private pure returns (State, uint256) {
        Operation operation = call.operation;
        uint256 released = page.released;
        if (operation == Operation.DELIVER) return (State.DELIVERED, released);
        if (operation == Operation.NOTICE) return (State.NOTICED, released);
        if (operation == Operation.DISPUTE) return (State.DISPUTED, released);
        if (operation == Operation.CLAIM) return (State.RELEASED, page.charge);
        if (operation == Operation.CLOSE) return (State.RELEASED, call.amount < released ? released : call.amount);
        if (operation == Operation.REFUND) return (State.REFUNDED, released);
        if (operation == Operation.SETTLE) return (State.SETTLED, call.amount);
        if (operation == Operation.RESOLVE) return (State.RESOLVED, call.amount < released ? released : call.amount);
        if (operation == Operation.EXPIRE) {
            return (State.RESOLVED, released + (page.charge - released) * terms.defaultSellerBps / 10_000);
        }
        uint256 total = good(page, terms, call.amount);
        bool ends = total == due(page, terms) && (operation == Operation.RELEASE || page.state != State.DISPUTED);
        return (ends ? State.RELEASED : page.state, total);
    }

    function inState(Page memory page, Terms memory terms, Operation operation) internal pure returns (bool) {
        (State state, uint8 rail) = (page.state, terms.rail);
        if (operation == Operation.DELIVER || operation == Operation.REFUND) {
            return state == State.FUNDED && rail != Rail.METERED;
        }
        if (operation == Operation.NOTICE) return state == State.FUNDED && terms.noticeWindow != 0;
        if (operation == Operation.CLAIM) return state == State.DELIVERED;
        if (operation == Operation.DISPUTE) {
            return state == State.DELIVERED && rail == Rail.ESCROW && terms.arbiter != address(0);
        }
        if (operation == Operation.EXPIRE) return state == State.DISPUTED;
        if (operation == Operation.RESOLVE) return state == (rail == Rail.EXCHANGE ? State.DELIVERED : State.DISPUTED);
        if (operation == Operation.REDEEM) return isOpen(page) && rail != Rail.EXCHANGE;
        if (operation == Operation.CLOSE) return isOpen(page) && rail == Rail.METERED;
        return isOpen(page);
    }

    function byItsCaller(Terms memory terms, Call memory call) internal pure returns (bool) {
        (Operation operation, address caller) = (call.operation, call.caller);
        if (operation == Operation.DELIVER) {
            return caller == (terms.rail == Rail.EXCHANGE ? terms.arbiter : terms.seller);
        }
        if (operation == Operation.RESOLVE) return caller == terms.arbiter;
        if (operation == Operation.CLAIM) return caller == terms.seller;
        if (operation == Operation.RELEASE || operation == Operation.DISPUTE) return caller == terms.buyer;
        if (operation == Operation.REDEEM || operation == Operation.EXPIRE || operation == Operation.SETTLE) {
            return true;
        }
        return caller == terms.buyer || caller == terms.seller;
    }

    function inTime(Page memory page, Terms memory terms, Call memory call) private view returns (bool) {
        (Operation operation, uint256 passed) = (call.operation, block.timestamp - page.since);
        if (operation == Operation.DELIVER) return passed < terms.deliveryWindow;
        if (operation == Operation.NOTICE) return passed + terms.noticeWindow < terms.deliveryWindow;
        if (operation == Operation.REFUND) return call.caller == terms.seller || passed >= terms.deliveryWindow;
        if (operation == Operation.CLAIM) return passed >= terms.reviewWindow;
        if (operation == Operation.DISPUTE) return passed < terms.reviewWindow;
        if (operation == Operation.EXPIRE) return passed >= terms.arbitrationWindow;
        if (operation == Operation.RESOLVE) {
            return passed < (terms.rail == Rail.EXCHANGE ? terms.reviewWindow : terms.arbitrationWindow);
        }
        if (terms.rail != Rail.METERED) return true;
        bool inGrace = block.timestamp < graceEnd(page, terms);
        if (operation == Operation.REDEEM) return inGrace;
        if (operation != Operation.CLOSE) return true;
        return (call.caller == terms.seller || !inGrace) && (call.amount <= page.released || inGrace);
    }

    function withinBounds(Page memory page, Terms memory terms, Call memory call) private pure returns (bool) {
        (Operation operation, uint256 amount) = (call.operation, call.amount);
        if (operation == Operation.RELEASE) {
            return amount == due(page, terms) || (amount > page.released && amount < due(page, terms));
        }
        if (operation == Operation.REDEEM) return good(page, terms, amount) > page.released;
        if (operation == Operation.RESOLVE) return amount <= page.charge && call.bondToSeller <= terms.bond;
        if (operation == Operation.SETTLE && call.bondToSeller > terms.bond) return false;
        if (operation == Operation.CLOSE) return amount <= terms.price;
        bool named = operation == Operation.DELIVER || operation == Operation.SETTLE;
        return !named || (amount >= page.released && amount <= terms.price);
    }

    /// @dev A voucher is good for what is due at most.
    function good(Page memory page, Terms memory terms, uint256 amount) private pure returns (uint256) {
        return amount < due(page, terms) ? amount : due(page, terms);
    }

    function graceEnd(Page memory page, Terms memory terms) private pure returns (uint256) {
        uint256 window = page.state == State.NOTICED ? terms.noticeWindow : terms.deliveryWindow;
        return page.since + window + terms.reviewWindow;
    }
}
