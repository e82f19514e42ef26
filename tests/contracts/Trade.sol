// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Credits, Opening, Own, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {BarringToken} from "../../contracts/mocks/tokens/BarringToken.sol";
import {Books, LOG_VM, Page} from "./Books.sol";
import {VM, within} from "./Cheats.sol";
import {Call, Model} from "./Model.sol";
import {Openings} from "./Openings.sol";
import {Operation, Scenes} from "./Scenes.sol";
import {IMintable, Stage} from "./Stage.sol";
import {rootOf} from "./Tree.sol";

/// @notice Two buyers, of whom one is bound, two sellers, an arbiter and a stranger trade at random, with fees for one whom
/// the token will not pay. Each call says beforehand whether it must succeed and where it leads, by the model and by what
/// events have told.
abstract contract Trade is Scenes, Openings {
    struct Entry {
        Terms terms;
        bytes32 deal;
        bool buyerInside;
    }

    struct Series {
        uint256 first;
        uint256 length;
    }

    uint256 private constant RICHES = 1e40; // what the bound buyer has in its balance
    uint256 private constant DEAREST = 1e30;

    address[7] internal actors;
    mapping(address account => bool) internal barred;
    uint256 internal nonces;
    Entry[] private _deals;
    Terms[] private _offers;
    Series[] private _series;
    Books internal books;
    mapping(bytes4 operation => uint256) public succeeded;

    constructor() {
        setUp();
    }

    function setUp() public override {
        Stage.setUp();
        books = Books(VM.deployCode("Books.sol:Books", abi.encode(escrow)));
        bytes memory refusal = abi.encode(BarringToken.Refusal.REVERT);
        token = IMintable(VM.deployCode("BarringToken.sol:BarringToken", refusal));
        (address other, address otherSeller) = (VM.addr(0xb002), VM.addr(0x5e12));
        (keys[other], keys[otherSeller]) = (0xb002, 0x5e12);
        actors = [buyer, other, seller, otherSeller, umpire, stranger, recipient];
        for (uint256 i = 0; i < actors.length; i++) {
            fund(actors[i], 2 * RICHES);
        }
        attempt(other, abi.encodeCall(IAccounts.deposit, (address(token), RICHES)), true);
        bar(recipient, true);
    }

    // ------------------------------------------------------------------ openings

    function offer(uint256 seed, uint104 price, uint104 bond, uint16 feeBps) external {
        _offers.push(draw(seed, price, bond, feeBps));
        if (seed % 4 != 0) open(_offers.length - 1);
    }

    /// @dev A standing offer, one that was superseded, or one that has opened already.
    function openOffer(uint256 index) external {
        if (_offers.length != 0) open(index % _offers.length);
    }

    function openTogether(uint256 seed, uint104 price, uint104 bond, uint16 feeBps, bool asBundle) external {
        Terms[] memory members = alike(draw(seed, price, bond, feeBps), 1 + (seed >> 64) % 3);
        if (asBundle) bundle(members);
        bool may = canOpen(members);
        attempt(stranger, asBundle ? encodeBundle(members) : encodeSeries(members), may);
        if (may && !asBundle) _series.push(Series(_deals.length, members.length));
        if (may) record(members);
    }

    function swap(uint256 seed, uint104 price, uint104 amount, uint16 feeBps) external {
        Terms memory terms = draw(seed, price, 0, feeBps);
        (terms.rail, terms.arbiter, terms.arbitrationWindow, terms.defaultSellerBps) = (Rail.ATOMIC, address(0), 0, 0);
        (terms.deliveryWindow, terms.reviewWindow, terms.noticeWindow) = (0, 0, 0);
        Credits memory credits = Credits(address(token), false, 0, within(amount, 1, DEAREST));
        terms.goods =
            keccak256(abi.encode(keccak256("Credits(address token,bool multi,uint256 id,uint256 amount)"), credits));
        bool may =
            fresh(terms) && !barred[terms.buyer] && !barred[terms.seller] && (terms.feeBps == 0 || !barred[recipient]);
        Opening memory agreed = signed(terms, keys[terms.buyer], keys[terms.seller]);
        attempt(
            stranger, abi.encodeCall(IEscrow.swap, (terms, credits, agreed.buyerSignature, agreed.sellerSignature)), may
        );
    }

    // ------------------------------------------------------------------ the life of a deal

    function deliver(uint256 index, uint256 who, uint104 amount) external {
        operate(Operation.DELIVER, index, who, amount, 0);
    }

    function release(uint256 index, uint256 who, uint104 amount) external {
        operate(Operation.RELEASE, index, who, amount, 0);
    }

    function redeem(uint256 index, uint256 who, uint104 amount) external {
        operate(Operation.REDEEM, index, who, amount, 0);
    }

    function claim(uint256 index, uint256 who) external {
        operate(Operation.CLAIM, index, who, 0, 0);
    }

    function refund(uint256 index, uint256 who) external {
        operate(Operation.REFUND, index, who, 0, 0);
    }

    function dispute(uint256 index, uint256 who) external {
        operate(Operation.DISPUTE, index, who, 0, 0);
    }

    function resolve(uint256 index, uint256 who, uint104 amount, uint104 bondToSeller) external {
        operate(Operation.RESOLVE, index, who, amount, bondToSeller);
    }

    function expire(uint256 index, uint256 who) external {
        operate(Operation.EXPIRE, index, who, 0, 0);
    }

    function settle(uint256 index, uint256 who, uint104 amount, uint104 bondToSeller) external {
        // A deal that could always be settled would not see much else.
        if (who % 4 == 3) operate(Operation.SETTLE, index, who, amount, bondToSeller);
    }

    function notice(uint256 index, uint256 who) external {
        operate(Operation.NOTICE, index, who, 0, 0);
    }

    function close(uint256 index, uint256 who, uint104 amount) external {
        operate(Operation.CLOSE, index, who, amount, 0);
    }

    function redeemSeries(uint256 index, uint256 seed) external {
        if (_series.length == 0) return;
        Series memory series = _series[index % _series.length];
        Terms memory terms = _deals[series.first].terms;
        uint104 amount = choose(books.page(_deals[series.first].deal), terms, uint104(seed));
        Own[] memory owns = new Own[](series.length);
        bytes32[] memory vouchers = new bytes32[](series.length);
        Page[] memory expected = new Page[](series.length);
        bool may = terms.rail != Rail.EXCHANGE;
        for (uint256 i = 0; i < series.length; i++) {
            Entry memory entry = _deals[series.first + i];
            owns[i] = own(entry.terms);
            vouchers[i] = keccak256(abi.encode(keccak256("Voucher(bytes32 deal,uint104 amount)"), entry.deal, amount));
            expected[i] = books.page(entry.deal);
            if (may && Model.redeemable(expected[i], entry.terms, amount)) {
                Call memory call = Call(Operation.REDEEM, stranger, amount, 0);
                expected[i] = Model.afterwards(expected[i], entry.terms, call);
            }
        }
        bytes memory signature = sign(keys[terms.buyer], bulkDigest(rootOf(vouchers)));
        attempt(stranger, abi.encodeCall(IEscrow.redeemSeries, (terms, owns, amount, signature)), may);
        for (uint256 i = 0; i < series.length; i++) {
            assertPage(_deals[series.first + i].deal, expected[i]);
        }
    }

    // ------------------------------------------------------------------ what the invariants ask

    /// @notice The escrow holds what it owes to the unit, and nothing else than what its events have told.
    function check() external view {
        uint256 owed = balancesInAll();
        for (uint256 i = 0; i < _deals.length; i++) {
            Page memory page = books.page(_deals[i].deal);
            books.checkDeal(_deals[i].deal);
            // What has ended has paid out all that came in; what has not still has the rest.
            if (!Model.isOpen(page)) VM.assertEq(page.paidOut, page.paidIn);
            owed += page.paidIn - page.paidOut;
        }
        assertHeld(address(escrow), owed);
        for (uint256 i = 0; i < actors.length; i++) {
            books.checkAccount(actors[i], address(token), nonces);
        }
    }

    /// @notice All windows pass, and each deal is ended by one of its parties alone: then only balances are left.
    function endAll() external {
        VM.warp(block.timestamp + 3 * 365 days);
        for (uint256 i = 0; i < _deals.length; i++) {
            Terms memory terms = _deals[i].terms;
            Page memory page = books.page(_deals[i].deal);
            if (!Model.isOpen(page)) continue;
            address party = i % 2 == 0 ? terms.buyer : terms.seller;
            uint104 amount = uint104(terms.rail == Rail.METERED ? page.released : page.charge);
            attempt(party, encode(wayOut(terms.rail, page.state, i % 2 == 0), terms, amount, 0), true);
            VM.assertGt(uint8(books.page(_deals[i].deal).state), uint8(State.DISPUTED));
        }
        assertHeld(address(escrow), balancesInAll());
    }

    // ------------------------------------------------------------------ inside

    function operate(Operation operation, uint256 index, uint256 who, uint104 amount, uint104 bondToSeller) private {
        if (_deals.length == 0) return;
        Entry memory entry = _deals[follow(index, operation)];
        Page memory page = books.page(entry.deal);
        Call memory call = Call(operation, address(0), choose(page, entry.terms, amount), 0);
        call.bondToSeller = uint104(within(bondToSeller, 0, uint256(entry.terms.bond) + 1));
        call.caller = cast(entry.terms, call, who);
        bool may = Model.takes(page, entry.terms, call);
        if (may && operation == Operation.DISPUTE) may = canStake(entry);
        attempt(call.caller, encode(operation, entry.terms, call.amount, call.bondToSeller), may);
        assertPage(entry.deal, may ? Model.afterwards(page, entry.terms, call) : page);
    }

    /// @dev Mostly one of the last deals whose state has the operation, where there is one.
    function follow(uint256 index, Operation operation) private view returns (uint256) {
        uint256 recent = _deals.length < 6 ? _deals.length : 6;
        for (uint256 i = 0; index % 4 != 0 && i < recent; i++) {
            uint256 place = _deals.length - 1 - (index / 4 + i) % recent;
            if (Model.inState(books.page(_deals[place].deal), _deals[place].terms, operation)) return place;
        }
        return index / 4 % _deals.length;
    }

    function attempt(address caller, bytes memory call, bool may) internal {
        LOG_VM.recordLogs();
        VM.prank(caller);
        (bool done,) = address(escrow).call(call);
        VM.assertEq(done, may);
        if (!done) return;
        succeeded[bytes4(call)]++;
        books.readEvents();
    }

    function bar(address account, bool on) internal {
        barred[account] = on;
        BarringToken(address(token)).bar(account, on);
    }

    function open(uint256 index) private {
        Terms[] memory members = new Terms[](1);
        members[0] = _offers[index];
        bool may = canOpen(members);
        Opening memory opening = signed(members[0], keys[members[0].buyer], keys[members[0].seller]);
        attempt(stranger, abi.encodeCall(IEscrow.open, (opening)), may);
        if (may) record(members);
    }

    function record(Terms[] memory members) private {
        for (uint256 i = 0; i < members.length; i++) {
            _deals.push(Entry(members[i], escrow.digest(members[i]), books.isBound(members[i].buyer)));
        }
    }

    /// @dev A fourth of all offers supersedes one before it: other terms under its nonces.
    function draw(uint256 seed, uint104 price, uint104 bond, uint16 feeBps) private returns (Terms memory terms) {
        uint256 kind = seed >> 8 & 7;
        terms = kind < 4 ? disputable() : kind < 6 ? metered() : kind == 6 ? exchange() : Stage.offer();
        (terms.buyer, terms.seller) = (actors[seed >> 11 & 1], actors[2 + (seed >> 12 & 1)]);
        (terms.price, terms.bond) = (uint104(within(price, 10_000, DEAREST)), uint104(within(bond, 0, DEAREST)));
        terms.feeBps = seed >> 13 & 1 == 0 ? 0 : uint16(within(feeBps, 1, 10_000));
        if (terms.arbiterFee != 0) terms.arbiterFee = terms.bond / 3;
        (terms.deliveryWindow, terms.reviewWindow) =
        (uint32(within(seed >> 16, 90, 900)), uint32(within(seed >> 24, 60, 400)));
        if (terms.arbitrationWindow != 0) terms.arbitrationWindow = terms.reviewWindow;
        if (terms.noticeWindow != 0) terms.noticeWindow = 60;
        terms.openBy = uint40(block.timestamp + 300);
        terms.subject = bytes32(seed);
        if (seed >> 14 & 3 != 0) nonces++;
        (terms.buyerNonce, terms.sellerNonce) = (nonces, nonces);
        (terms.buyerEpoch, terms.sellerEpoch) = (books.standing(terms.buyer).epoch, books.standing(terms.seller).epoch);
    }

    function alike(Terms memory terms, uint256 length) private returns (Terms[] memory members) {
        members = new Terms[](length);
        for (uint256 i = 0; i < length; i++) {
            members[i] = copy(terms);
            nonces++;
            (members[i].buyerNonce, members[i].sellerNonce) = (nonces, nonces);
        }
    }

    function bundle(Terms[] memory members) private pure {
        bytes memory leaves;
        for (uint256 i = 0; i < members.length; i++) {
            leaves = bytes.concat(leaves, structHash(members[i]));
        }
        for (uint256 i = 0; i < members.length; i++) {
            members[i].bundle = keccak256(leaves);
        }
    }

    function encodeBundle(Terms[] memory members) private view returns (bytes memory) {
        Opening[] memory openings = new Opening[](members.length);
        for (uint256 i = 0; i < members.length; i++) {
            openings[i] = signed(members[i], keys[members[i].buyer], keys[members[i].seller]);
        }
        return abi.encodeCall(IEscrow.openBundle, (openings));
    }

    function encodeSeries(Terms[] memory members) private view returns (bytes memory) {
        Own[] memory owns = new Own[](members.length);
        bytes32[] memory leaves = new bytes32[](members.length);
        for (uint256 i = 0; i < members.length; i++) {
            (owns[i], leaves[i]) = (own(members[i]), structHash(members[i]));
        }
        bytes32 all = bulkDigest(rootOf(leaves));
        (uint256 buyerKey, uint256 sellerKey) = (keys[members[0].buyer], keys[members[0].seller]);
        return abi.encodeCall(IEscrow.openSeries, (members[0], owns, sign(buyerKey, all), sign(sellerKey, all)));
    }

    /// @dev Due, released before, one too many, or anything up to the price.
    function choose(Page memory page, Terms memory terms, uint104 seed) private pure returns (uint104) {
        uint256 due = Model.due(page, terms);
        if (seed % 8 == 0) return uint104(due);
        if (seed % 8 == 1) return uint104(page.released);
        return seed % 8 == 2 ? uint104(due + 1) : uint104(within(seed, 0, terms.price));
    }

    /// @dev Most calls come from one who may make them.
    function cast(Terms memory terms, Call memory call, uint256 who) private view returns (address) {
        for (uint256 i = 0; who % 4 != 0 && i < actors.length; i++) {
            call.caller = actors[(who / 4 + i) % actors.length];
            if (Model.byItsCaller(terms, call)) return call.caller;
        }
        return actors[who / 4 % actors.length];
    }

    function wayOut(uint8 rail, State state, bool byBuyer) private pure returns (Operation) {
        if (rail == Rail.METERED) return Operation.CLOSE;
        if (state == State.FUNDED) return Operation.REFUND;
        if (state == State.DISPUTED) return Operation.EXPIRE;
        return byBuyer ? Operation.RELEASE : Operation.CLAIM;
    }

    function canOpen(Terms[] memory members) private view returns (bool) {
        for (uint256 i = 0; i < members.length; i++) {
            if (!fresh(members[i])) return false;
        }
        Terms memory terms = members[0];
        return block.timestamp < terms.openBy && canPay(terms.buyer, terms.price * members.length)
            && canPay(terms.seller, terms.bond * members.length);
    }

    function fresh(Terms memory terms) private view returns (bool) {
        return !books.spent(terms.buyer, terms.buyerNonce) && !books.spent(terms.seller, terms.sellerNonce)
            && terms.buyerEpoch == books.standing(terms.buyer).epoch
            && terms.sellerEpoch == books.standing(terms.seller).epoch;
    }

    function canPay(address account, uint256 amount) private view returns (bool) {
        if (amount == 0) return true;
        return books.isBound(account) ? books.balance(address(token), account) >= amount : !barred[account];
    }

    function canStake(Entry memory entry) private view returns (bool) {
        (address party, uint256 stake) = (entry.terms.buyer, entry.terms.arbiterFee);
        bool fromBalance = entry.buyerInside && books.balance(address(token), party) >= stake;
        return stake == 0 || fromBalance || !barred[party];
    }

    function balancesInAll() private view returns (uint256 sum) {
        for (uint256 i = 0; i < actors.length; i++) {
            sum += books.balance(address(token), actors[i]);
        }
    }

    function own(Terms memory terms) private pure returns (Own memory) {
        return Own(terms.subject, terms.previous, terms.buyerNonce, terms.sellerNonce);
    }

    function assertPage(bytes32 deal, Page memory expected) private view {
        Page memory told = books.page(deal);
        (told.paidIn, told.paidOut) = (expected.paidIn, expected.paidOut);
        VM.assertEq(abi.encode(told), abi.encode(expected));
    }
}
