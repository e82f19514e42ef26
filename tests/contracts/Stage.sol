// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, Position, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";

/// @notice What the stage asks of CreditToken, which is deployed by its artifact as the escrow is.
interface IMintable is IERC20 {
    function mint(address to, uint256 amount) external;
}

/// @notice The cast and one deal between them. The figures are odd, so that no two of them meet by accident.
abstract contract Stage {
    uint256 internal constant BUYER_KEY = 0xb001;
    uint256 internal constant SELLER_KEY = 0x5e11;
    uint256 internal constant VOUCHER_KEY = 0x70c4;
    uint40 internal constant START = 1_800_000_000;
    uint40 internal constant FOREVER = type(uint40).max;
    uint104 internal constant PRICE = 1_000_003;
    uint104 internal constant BOND = 50_021;
    uint104 internal constant CHARGE = 600_007;
    uint104 internal constant STAKE = 30_011;
    bytes32 internal constant DELIVERABLE = keccak256("what was delivered");
    bytes32 internal constant REASONS = keccak256("what is wrong with it");

    address internal immutable buyer = VM.addr(BUYER_KEY);
    address internal immutable seller = VM.addr(SELLER_KEY);
    address internal immutable voucherSigner = VM.addr(VOUCHER_KEY);
    address internal immutable umpire = address(0xa4b1); // whom disputable and exchange terms name as their arbiter
    address internal immutable recipient = address(0xfee);
    address internal immutable stranger = address(0x57a6e);

    IEscrow internal escrow;
    IMintable internal token;
    mapping(address party => uint256) internal keys;

    function setUp() public virtual {
        VM.warp(START);
        // By its artifact and not by import: a change of the escrow does not compile every test again.
        escrow = IEscrow(VM.deployCode("Escrow.sol:Escrow"));
        token = IMintable(VM.deployCode("CreditToken.sol:CreditToken", abi.encode(address(this))));
        (keys[buyer], keys[seller]) = (BUYER_KEY, SELLER_KEY);
        fund(buyer, PRICE);
        fund(seller, BOND);
    }

    function fund(address account, uint256 amount) internal {
        token.mint(account, amount);
        VM.prank(account);
        token.approve(address(escrow), type(uint256).max);
    }

    function offer() internal view returns (Terms memory terms) {
        terms.buyer = buyer;
        terms.seller = seller;
        terms.token = address(token);
        terms.price = PRICE;
        terms.bond = BOND;
        terms.feeBps = 333;
        terms.feeRecipient = recipient;
        terms.openBy = START + 600;
        terms.deliveryWindow = 3_600;
        terms.reviewWindow = 1_800;
        terms.subject = keccak256("the full outcome");
        terms.previous = keccak256("the message before");
        terms.buyerNonce = 0x105;
        terms.sellerNonce = 0x2fe;
    }

    /// @dev The escrow rail with an arbiter. Its stake is not among what the buyer was given; `dispute` adds it.
    function disputable() internal view returns (Terms memory terms) {
        terms = offer();
        terms.arbiter = umpire;
        terms.arbiterFee = STAKE;
        terms.arbitrationWindow = 7_200;
        terms.defaultSellerBps = 6_667;
    }

    function metered() internal view returns (Terms memory terms) {
        terms = offer();
        terms.rail = Rail.METERED;
        terms.noticeWindow = 600;
    }

    function exchange() internal view returns (Terms memory terms) {
        terms = offer();
        terms.rail = Rail.EXCHANGE;
        terms.arbiter = umpire;
        terms.goods = keccak256("what the arbiter contract is to judge");
    }

    /// @dev Computed from the domain's words, with nothing asked of the escrow but its address.
    function typedDigest(bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Parley"),
                keccak256("2"),
                block.chainid,
                address(escrow)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function voucher(uint256 key, bytes32 deal, uint104 amount) internal view returns (bytes memory) {
        bytes32 typeHash = keccak256("Voucher(bytes32 deal,uint104 amount)");
        return sign(key, typedDigest(keccak256(abi.encode(typeHash, deal, amount))));
    }

    function voucher(bytes32 deal, uint104 amount) internal view returns (bytes memory) {
        return voucher(BUYER_KEY, deal, amount);
    }

    /// @return ofBuyer and ofSeller: both signatures under one settlement
    function settlement(bytes32 deal, uint104 charge, uint104 bondToSeller, uint40 validBefore)
        internal
        view
        returns (bytes memory ofBuyer, bytes memory ofSeller)
    {
        bytes32 signed = settlementDigest(deal, charge, bondToSeller, validBefore);
        return (sign(BUYER_KEY, signed), sign(SELLER_KEY, signed));
    }

    function settlementDigest(bytes32 deal, uint104 charge, uint104 bondToSeller, uint40 validBefore)
        internal
        view
        returns (bytes32)
    {
        bytes32 typeHash = keccak256("Settlement(bytes32 deal,uint104 charge,uint104 bondToSeller,uint40 validBefore)");
        return typedDigest(keccak256(abi.encode(typeHash, deal, charge, bondToSeller, validBefore)));
    }

    function settlement(bytes32 deal, uint104 charge, uint104 bondToSeller)
        internal
        view
        returns (bytes memory ofBuyer, bytes memory ofSeller)
    {
        return settlement(deal, charge, bondToSeller, FOREVER);
    }

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function open(Terms memory terms) internal returns (bytes32 deal) {
        deal = escrow.digest(terms);
        bytes memory buyerSignature = sign(BUYER_KEY, deal);
        bytes memory sellerSignature = sign(SELLER_KEY, deal);
        VM.prank(stranger);
        escrow.open(Opening(terms, buyerSignature, sellerSignature, "", ""));
    }

    function refuseOpen(Terms memory terms, bytes memory reason) internal {
        bytes32 deal = escrow.digest(terms);
        refuseOpen(terms, sign(BUYER_KEY, deal), sign(SELLER_KEY, deal), reason);
    }

    function refuseOpen(Terms memory terms, bytes memory ofBuyer, bytes memory ofSeller, bytes memory reason) internal {
        VM.expectRevert(reason);
        escrow.open(Opening(terms, ofBuyer, ofSeller, "", ""));
    }

    function deliver(Terms memory terms, uint104 charge) internal {
        VM.prank(terms.rail == Rail.EXCHANGE ? terms.arbiter : terms.seller);
        escrow.deliver(terms, DELIVERABLE, charge);
    }

    function dispute(Terms memory terms) internal {
        fund(terms.buyer, terms.arbiterFee);
        VM.prank(terms.buyer);
        escrow.dispute(terms, REASONS);
    }

    /// @dev The call must succeed; its own reason is passed on where it does not.
    function act(address caller, bytes memory call) internal {
        VM.prank(caller);
        (bool done, bytes memory said) = address(escrow).call(call);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(said, 0x20), mload(said))
            }
        }
    }

    /// @dev The call must revert, with these very bytes.
    function refuse(address caller, bytes memory call, bytes memory reason) internal {
        VM.prank(caller);
        (bool done, bytes memory said) = address(escrow).call(call);
        VM.assertFalse(done);
        VM.assertEq(said, reason);
    }

    /// @dev The call must revert because a signature is not its signer's, whoever the wrong digest makes it recover to.
    function refuseForged(address caller, bytes memory call) internal {
        VM.prank(caller);
        (bool done, bytes memory said) = address(escrow).call(call);
        VM.assertFalse(done);
        VM.assertEq(bytes32(bytes4(said)), bytes32(IEscrow.WrongSigner.selector));
    }

    function assertState(bytes32 deal, State expected) internal view {
        VM.assertEq(uint8(escrow.position(deal).state), uint8(expected));
    }

    function assertHeld(address account, uint256 expected) internal view {
        VM.assertEq(token.balanceOf(account), expected);
    }

    /// @dev No money stays behind, whoever got it.
    function assertPaid(uint256 toBuyer, uint256 toSeller, uint256 fee) internal view {
        assertHeld(buyer, toBuyer);
        assertHeld(seller, toSeller);
        assertHeld(recipient, fee);
        assertHeld(address(escrow), 0);
    }

    function assertPosition(bytes32 deal, State state, uint256 since, uint104 charge, uint104 released) internal view {
        Position memory held = escrow.position(deal);
        VM.assertEq(uint8(held.state), uint8(state));
        VM.assertEq(held.since, since);
        VM.assertEq(held.charge, charge);
        VM.assertEq(held.released, released);
    }

    function wrongState(State actual, State required) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.WrongState.selector, uint8(actual), uint8(required));
    }

    function wrongCaller(address caller, address required) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.WrongCaller.selector, caller, required);
    }

    function wrongRail(uint8 rail, uint8 required) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.WrongRail.selector, rail, required);
    }

    function wrongSigner(address expected, address recovered) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.WrongSigner.selector, expected, recovered);
    }

    function tooLate(uint256 deadline) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.TooLate.selector, deadline, block.timestamp);
    }

    function tooEarly(uint256 notBefore) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.TooEarly.selector, notBefore, block.timestamp);
    }

    function amountTooHigh(uint256 amount, uint256 most) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.AmountTooHigh.selector, amount, most);
    }

    function amountTooLow(uint256 amount, uint256 least) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.AmountTooLow.selector, amount, least);
    }
}
