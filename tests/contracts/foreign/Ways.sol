// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../../contracts/interfaces/IEscrow.sol";
import {Credits, Own, Rail, Terms} from "../../../contracts/interfaces/Types.sol";
import {VM} from "../Cheats.sol";
import {Openings} from "../Openings.sol";
import {IMintable} from "../Stage.sol";
import {rootOf} from "../Tree.sol";

/// @notice The call that ends a deal, and what it pays to whom.
struct Exit {
    address caller;
    bytes call;
    uint256 toBuyer;
    uint256 toSeller;
    uint256 fee;
    uint256 toUmpire;
}

/// @notice Every way in which money leaves a deal, up to the call that lets it go, in whatever token the stage pays in; and
/// bystanders in a tame token, who must come to no harm.
abstract contract Ways is Openings {
    uint256 internal constant DEALS = 3; // of a series
    uint256 private constant DEPOSIT = 777;

    uint104 internal price = PRICE;
    uint104 internal bond = BOND;
    uint16 internal feeBps = 333;
    address internal buys = buyer;
    address internal sells = seller;

    function() internal returns (Exit memory)[9] internal exits =
        [_release, _claim, _refund, _resolve, _expire, _settle, _close, _redeemSeries, _giveIn];

    IMintable private _calm;
    IMintable private _goods;
    Terms private _calmTerms;
    uint256 private _nonce = 0x3a75;

    function setUp() public virtual override {
        super.setUp();
        _calm = token;
        _goods = IMintable(VM.deployCode("CreditToken.sol:CreditToken", abi.encode(address(this))));
        _calmTerms = offer();
        open(_calmTerms);
        fund(stranger, DEPOSIT);
        act(stranger, abi.encodeCall(escrow.deposit, (address(_calm), DEPOSIT)));
    }

    /// @dev From here on the stage pays in this token. Both parties have enough of it for every way.
    function pay(address odd) internal {
        token = IMintable(odd);
        uint256 enough = 100 * (uint256(price) + bond);
        endow(buys, enough);
        endow(sells, enough);
    }

    /// @dev Approves once: some tokens refuse to change an allowance.
    function endow(address account, uint256 amount) internal {
        token.mint(account, amount);
        VM.prank(account);
        token.approve(address(escrow), type(uint256).max);
    }

    function arbiterFee() internal view returns (uint104) {
        return bond < STAKE ? bond : STAKE;
    }

    function fresh(Terms memory terms) internal returns (Terms memory) {
        (terms.buyer, terms.seller, terms.token) = (buys, sells, address(token));
        (terms.price, terms.bond, terms.feeBps) = (price, bond, feeBps);
        if (terms.arbiter != address(0) && terms.rail == Rail.ESCROW) terms.arbiterFee = arbiterFee();
        terms.openBy = uint40(block.timestamp + 600);
        (terms.buyerNonce, terms.sellerNonce) = (_nonce, _nonce);
        _nonce++;
        return terms;
    }

    // ------------------------------------------------------------------ exits

    function _release() private returns (Exit memory) {
        Terms memory terms = fresh(offer());
        uint104 part = price / 3;
        bytes32 deal = open(terms);
        escrow.redeem(terms, part, voucher(deal, part));
        return _exit(buys, abi.encodeCall(IEscrow.release, (terms, price)), part, price, bond);
    }

    function _claim() private returns (Exit memory) {
        Terms memory terms = delivered(offer());
        VM.warp(block.timestamp + terms.reviewWindow);
        return _exit(sells, abi.encodeCall(IEscrow.claim, (terms)), 0, price, bond);
    }

    function _refund() private returns (Exit memory) {
        Terms memory terms = fresh(offer());
        open(terms);
        return _exit(sells, abi.encodeCall(IEscrow.refund, (terms)), 0, 0, bond);
    }

    function _resolve() private returns (Exit memory exit) {
        Terms memory terms = disputed();
        exit = _exit(umpire, abi.encodeCall(IEscrow.resolve, (terms, price / 2, bond / 3)), 0, price / 2, bond / 3);
        exit.toUmpire = terms.arbiterFee;
    }

    function _expire() private returns (Exit memory exit) {
        Terms memory terms = disputed();
        VM.warp(block.timestamp + terms.arbitrationWindow);
        uint16 bps = terms.defaultSellerBps;
        exit = _exit(stranger, abi.encodeCall(IEscrow.expire, (terms)), 0, _share(price, bps), _share(bond, bps));
        exit.toBuyer += terms.arbiterFee;
    }

    function _settle() private returns (Exit memory) {
        Terms memory terms = fresh(offer());
        bytes32 deal = open(terms);
        (bytes memory ofBuyer, bytes memory ofSeller) = settlement(deal, price / 4, bond / 2, type(uint40).max);
        bytes memory call =
            abi.encodeCall(IEscrow.settle, (terms, price / 4, bond / 2, type(uint40).max, ofBuyer, ofSeller));
        return _exit(stranger, call, 0, price / 4, bond / 2);
    }

    function _close() private returns (Exit memory) {
        Terms memory terms = fresh(metered());
        uint104 last = price - price / 3;
        bytes memory call = abi.encodeCall(IEscrow.close, (terms, last, voucher(open(terms), last)));
        return _exit(sells, call, 0, last, bond);
    }

    function _redeemSeries() private returns (Exit memory exit) {
        (Terms memory terms, Own[] memory owns, bytes32[] memory leaves) = series();
        escrow.openSeries(terms, owns, _bulk(BUYER_KEY, leaves), _bulk(SELLER_KEY, leaves));
        bytes32[] memory vouchers = new bytes32[](DEALS);
        for (uint256 i = 0; i < DEALS; i++) {
            bytes32 typeHash = keccak256("Voucher(bytes32 deal,uint104 amount)");
            vouchers[i] = keccak256(abi.encode(typeHash, typedDigest(leaves[i]), price));
        }
        bytes memory call = abi.encodeCall(IEscrow.redeemSeries, (terms, owns, price, _bulk(BUYER_KEY, vouchers)));
        exit = _exit(stranger, call, 0, price, bond);
        (exit.toSeller, exit.fee) = (exit.toSeller * DEALS, exit.fee * DEALS);
    }

    function _giveIn() private returns (Exit memory exit) {
        Terms memory terms = disputed();
        exit = _exit(buys, abi.encodeCall(IEscrow.release, (terms, price)), 0, price, bond);
        exit.toSeller += terms.arbiterFee;
    }

    /// @dev A step from one total to another, the bond split, nothing left of the deal.
    function _exit(address caller, bytes memory call, uint104 from, uint104 to, uint104 bondToSeller)
        private
        view
        returns (Exit memory)
    {
        uint256 fee = _share(to, feeBps) - _share(from, feeBps);
        uint256 toBuyer = uint256(price - to) + (bond - bondToSeller);
        return Exit(caller, call, toBuyer, uint256(to - from) - fee + bondToSeller, fee, 0);
    }

    // ------------------------------------------------------------------ on the way

    function delivered(Terms memory terms) internal returns (Terms memory) {
        open(fresh(terms));
        deliver(terms, price);
        return terms;
    }

    function disputed() internal returns (Terms memory terms) {
        terms = delivered(disputable());
        act(buys, abi.encodeCall(IEscrow.dispute, (terms, REASONS)));
    }

    function series() internal returns (Terms memory terms, Own[] memory owns, bytes32[] memory leaves) {
        terms = fresh(offer());
        (owns, leaves) = (new Own[](DEALS), new bytes32[](DEALS));
        for (uint256 i = 0; i < DEALS; i++) {
            Terms memory one = fresh(offer());
            owns[i] = Own(one.subject, one.previous, one.buyerNonce, one.sellerNonce);
            leaves[i] = structHash(one);
        }
    }

    function seriesCall() internal returns (bytes memory) {
        (Terms memory terms, Own[] memory owns, bytes32[] memory leaves) = series();
        return abi.encodeCall(IEscrow.openSeries, (terms, owns, _bulk(BUYER_KEY, leaves), _bulk(SELLER_KEY, leaves)));
    }

    /// @dev The price in the stage's token against a tame one.
    function swapCall() internal returns (bytes memory) {
        _goods.mint(sells, 5);
        VM.prank(sells);
        _goods.approve(address(escrow), 5);
        Credits memory credits = Credits(address(_goods), false, 0, 5);
        Terms memory terms = fresh(offer());
        bytes32 typeHash = keccak256("Credits(address token,bool multi,uint256 id,uint256 amount)");
        (terms.rail, terms.goods) = (Rail.ATOMIC, keccak256(abi.encode(typeHash, credits)));
        (terms.bond, terms.deliveryWindow, terms.reviewWindow) = (0, 0, 0);
        bytes32 deal = escrow.digest(terms);
        return abi.encodeCall(IEscrow.swap, (terms, credits, sign(BUYER_KEY, deal), sign(SELLER_KEY, deal)));
    }

    // ------------------------------------------------------------------ all of it

    /// @dev All exits, a swap, and a deal between balances, each to the unit.
    function goEveryWay() internal {
        for (uint256 i = 0; i < exits.length; i++) {
            settleUp(exits[i]());
        }
        swapOnce();
        dealInside();
    }

    function swapOnce() private {
        uint256 fee = uint256(price) * feeBps / 10_000;
        uint256[4] memory had = wallets();
        act(stranger, swapCall());
        uint256[4] memory have = wallets();
        VM.assertEq(had[0] - have[0], price);
        VM.assertEq(have[1] - had[1], price - fee);
        VM.assertEq(have[2] - had[2], fee);
    }

    function dealInside() private {
        uint256[4] memory had = wallets();
        act(buys, abi.encodeCall(IAccounts.deposit, (address(token), price)));
        act(sells, abi.encodeCall(IAccounts.deposit, (address(token), bond)));
        Terms memory terms = fresh(offer());
        open(terms);
        act(sells, abi.encodeCall(IEscrow.refund, (terms)));
        VM.assertEq(escrow.balance(address(token), buys), price);
        VM.assertEq(escrow.balance(address(token), sells), bond);
        act(buys, abi.encodeCall(IAccounts.announce, ()));
        act(sells, abi.encodeCall(IAccounts.announce, ()));
        VM.warp(block.timestamp + escrow.NOTICE());
        act(buys, withdrawal(buys, price));
        // Who takes out nothing is not spared what the token says to it.
        if (bond != 0) act(sells, withdrawal(sells, bond));
        VM.assertEq(abi.encode(wallets()), abi.encode(had));
    }

    // ------------------------------------------------------------------ what must hold

    /// @dev The call pays each of the four what it says, in tokens, and takes as much from the escrow.
    function settleUp(Exit memory exit) internal {
        uint256 before = token.balanceOf(address(escrow));
        uint256[4] memory had = wallets();
        act(exit.caller, exit.call);
        uint256[4] memory due = dues(exit);
        uint256[4] memory have = wallets();
        for (uint256 i = 0; i < 4; i++) {
            VM.assertEq(have[i] - had[i], due[i]);
            before -= due[i];
        }
        assertHeld(address(escrow), before);
    }

    function cast() internal view returns (address[4] memory) {
        return [buys, sells, recipient, umpire];
    }

    function dues(Exit memory exit) internal pure returns (uint256[4] memory) {
        return [exit.toBuyer, exit.toSeller, exit.fee, exit.toUmpire];
    }

    function wallets() internal view returns (uint256[4] memory held) {
        for (uint256 i = 0; i < 4; i++) {
            held[i] = token.balanceOf(cast()[i]);
        }
    }

    function balances() internal view returns (uint256[4] memory owed) {
        for (uint256 i = 0; i < 4; i++) {
            owed[i] = escrow.balance(address(token), cast()[i]);
        }
    }

    function withdrawal(address to, uint256 amount) internal view returns (bytes memory) {
        return abi.encodeCall(IAccounts.withdraw, (address(token), to, amount));
    }

    /// @dev The deal and the deposit in the tame token end as they would have without the odd one.
    function assertOthersUnharmed() internal {
        token = _calm;
        act(buyer, abi.encodeCall(IEscrow.release, (_calmTerms, PRICE)));
        act(stranger, abi.encodeCall(escrow.announce, ()));
        VM.warp(block.timestamp + escrow.NOTICE());
        act(stranger, abi.encodeCall(escrow.withdraw, (address(_calm), stranger, DEPOSIT)));
        uint256 fee = _share(PRICE, 333);
        assertPaid(0, uint256(PRICE) + BOND - fee, fee);
        assertHeld(stranger, DEPOSIT);
    }

    modifier harmless() {
        _;
        assertOthersUnharmed();
    }

    function _bulk(uint256 key, bytes32[] memory leaves) private view returns (bytes memory) {
        return sign(key, bulkDigest(rootOf(leaves)));
    }

    /// @dev floor(amount x bps / 10,000), by taking off what does not divide.
    function _share(uint256 amount, uint256 bps) private pure returns (uint104) {
        return uint104((amount * bps - mulmod(amount, bps, 10_000)) / 10_000);
    }
}
