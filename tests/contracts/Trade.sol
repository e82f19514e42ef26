// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "../../contracts/Escrow.sol";
import {State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {BarringToken} from "../../contracts/mocks/HostileTokens.sol";
import {VM, within} from "./Cheats.sol";

/// @notice Calls the escrow at random and keeps its own books. Each call says beforehand whether it must succeed, from a
/// model of the deal that shares nothing with the contract; money that a payee refuses shows up as credit.
contract Trade {
    struct Entry {
        Terms terms;
        State state;
        uint256 openedAt;
        uint256 deliveredAt;
        uint256 charge;
        uint256 ends;
    }

    uint256[3] private _keys = [uint256(0xa), 0xb, 0xc];
    address private constant RECIPIENT = address(0xfee);

    Escrow public immutable escrow;
    BarringToken public immutable token;
    Entry[] private _deals;
    uint256 private _nonce;
    uint256 public succeeded;

    constructor() {
        escrow = new Escrow();
        token = new BarringToken(BarringToken.Refusal.REVERT);
        for (uint256 i = 0; i < _keys.length; i++) {
            VM.prank(VM.addr(_keys[i]));
            token.approve(address(escrow), type(uint256).max);
        }
    }

    // ------------------------------------------------------------------ what the fuzzer calls

    function open(uint256 pair, uint128 price, uint128 bond, uint16 feeBps) external {
        (uint256 buyerKey, uint256 sellerKey) = (_keys[pair % 3], _keys[(pair % 3 + 1) % 3]);
        Terms memory terms = offer(VM.addr(buyerKey), VM.addr(sellerKey), pair);
        terms.price = uint128(within(price, 10_000, 1e30));
        terms.bond = uint128(within(bond, 0, 1e30));
        terms.feeBps = uint16(within(feeBps, 0, 10_000));
        // A barred account cannot pay in either, and this is about what was paid in.
        token.bar(terms.buyer, false);
        token.bar(terms.seller, false);
        token.mint(terms.buyer, terms.price);
        token.mint(terms.seller, terms.bond);
        bytes32 deal = escrow.digest(terms);
        escrow.open(terms, sign(buyerKey, deal), sign(sellerKey, deal));
        _deals.push(Entry(terms, State.FUNDED, block.timestamp, 0, 0, 0));
    }

    function deliver(uint256 index, uint256 caller, uint128 charge) external {
        if (_deals.length == 0) return;
        Entry storage entry = _deals[index % _deals.length];
        charge = uint128(within(charge, 0, uint256(entry.terms.price) + 1));
        bool may = entry.state == State.FUNDED && actor(caller) == entry.terms.seller
            && block.timestamp - entry.openedAt < entry.terms.deliveryWindow && charge <= entry.terms.price;
        attempt(caller, abi.encodeCall(escrow.deliver, (entry.terms, bytes32(uint256(1)), charge)), may);
        if (may) (entry.state, entry.deliveredAt, entry.charge) = (State.DELIVERED, block.timestamp, charge);
    }

    function release(uint256 index, uint256 caller) external {
        if (_deals.length == 0) return;
        Entry storage entry = _deals[index % _deals.length];
        bool may = isOpen(entry) && actor(caller) == entry.terms.buyer;
        attempt(caller, abi.encodeCall(escrow.release, (entry.terms)), may);
        if (may) end(entry, State.RELEASED);
    }

    function claim(uint256 index, uint256 caller) external {
        if (_deals.length == 0) return;
        Entry storage entry = _deals[index % _deals.length];
        bool may = entry.state == State.DELIVERED && actor(caller) == entry.terms.seller
            && block.timestamp - entry.deliveredAt >= entry.terms.reviewWindow;
        attempt(caller, abi.encodeCall(escrow.claim, (entry.terms)), may);
        if (may) end(entry, State.RELEASED);
    }

    function refund(uint256 index, uint256 caller) external {
        if (_deals.length == 0) return;
        Entry storage entry = _deals[index % _deals.length];
        bool late = block.timestamp - entry.openedAt >= entry.terms.deliveryWindow;
        bool may = entry.state == State.FUNDED
            && (actor(caller) == entry.terms.seller || (actor(caller) == entry.terms.buyer && late));
        attempt(caller, abi.encodeCall(escrow.refund, (entry.terms)), may);
        if (may) end(entry, State.REFUNDED);
    }

    function withdraw(uint256 caller) external {
        uint256 owed = escrow.credit(address(token), actor(caller));
        attempt(caller, abi.encodeCall(escrow.withdraw, (address(token), address(0x5afe))), owed > 0);
    }

    function bar(uint256 account, bool barred) external {
        token.bar(payees()[account % 4], barred);
    }

    function cancelAll(uint256 caller) external {
        attempt(caller, abi.encodeCall(escrow.cancelAll, ()), true);
    }

    function pass(uint256 time) external {
        VM.warp(block.timestamp + within(time, 1, 100));
        VM.roll(block.number + 1);
    }

    // ------------------------------------------------------------------ what the invariants ask

    function count() external view returns (uint256) {
        return _deals.length;
    }

    function entryAt(uint256 index) external view returns (Entry memory) {
        return _deals[index];
    }

    /// @notice What the books say is locked: the price and bond of every deal that has not ended.
    function locked() external view returns (uint256 sum) {
        for (uint256 i = 0; i < _deals.length; i++) {
            if (isOpen(_deals[i])) sum += uint256(_deals[i].terms.price) + _deals[i].terms.bond;
        }
    }

    function credits() external view returns (uint256 sum) {
        for (uint256 i = 0; i < 4; i++) {
            sum += escrow.credit(address(token), payees()[i]);
        }
    }

    // ------------------------------------------------------------------ inside

    function attempt(uint256 caller, bytes memory call, bool may) private {
        VM.prank(actor(caller));
        (bool done,) = address(escrow).call(call);
        VM.assertEq(done, may);
        if (done) succeeded++;
    }

    function end(Entry storage entry, State state) private {
        if (state == State.RELEASED && entry.state == State.FUNDED) entry.charge = entry.terms.price;
        entry.state = state;
        entry.ends++;
    }

    function isOpen(Entry storage entry) private view returns (bool) {
        return entry.state == State.FUNDED || entry.state == State.DELIVERED;
    }

    function offer(address buyer, address seller, uint256 seed) private returns (Terms memory terms) {
        (terms.buyer, terms.seller, terms.token) = (buyer, seller, address(token));
        terms.feeRecipient = RECIPIENT;
        terms.openBy = uint40(block.timestamp + 1);
        terms.deliveryWindow = uint32(within(seed >> 8, 60, 200));
        terms.reviewWindow = uint32(within(seed >> 16, 60, 200));
        (terms.buyerNonce, terms.sellerNonce) = (_nonce, _nonce);
        _nonce++;
        (terms.buyerEpoch, terms.sellerEpoch) = (escrow.epoch(buyer), escrow.epoch(seller));
    }

    function sign(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function actor(uint256 caller) private view returns (address) {
        return payees()[caller % 4];
    }

    /// @dev The three traders and the fee's recipient, who also serves as the stranger.
    function payees() private view returns (address[4] memory) {
        return [VM.addr(_keys[0]), VM.addr(_keys[1]), VM.addr(_keys[2]), RECIPIENT];
    }
}
