// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "./IAccounts.sol";
import {Credits, Opening, Own, Position, State, Terms} from "./Types.sol";

/// @title Settlement of deals that both parties signed
/// @notice A deal's name is the EIP-712 digest of its terms (domain "Parley", version "2", the chain's id when the escrow was
/// deployed, the escrow). What is signed (terms, vouchers, settlements) is signed in the domain of now, `eip712Domain`.
/// The two domains differ only on a chain that has changed its id since: there every signature is void and every open
/// deal keeps its name, its clock and its exits; new signatures name it as before and are made under the new id.
/// Deadlines are half-open: a thing is allowed while now < deadline, and the other side's right begins at
/// now >= deadline. There is no owner, no proxy, no pause and no native coin. More money is a new deal; an appeal is the
/// arbiter contract's business.
///
/// Amounts that a call names are totals since the opening, never differences, so that a call that comes twice, late or
/// after a reorganisation cannot pay twice: `release(60)` after `release(40)` pays 20.
/// WARNING: the token is the parties' choice. A hostile token can lock or lose the money of the deals that
/// named it, and of no other.
/// WARNING: an ERC-1271 answer can change between two blocks. It is asked for in the block of `Opened` or `Swapped`, of a
/// voucher's `Paid` and of a settlement's `Paid`, and never again.
interface IEscrow is IAccounts {
    // ------------------------------------------------------------------ EVENTS

    /// @notice Both signatures held, price and bond are in, both nonces are spent.
    event Opened(
        bytes32 indexed deal,
        address indexed buyer,
        address indexed seller,
        address token,
        uint256 price,
        uint256 bond,
        uint256 buyerNonce,
        uint256 sellerNonce
    );

    /// @notice An atomic deal: opened and over in one transaction. `fee` is part of `price`.
    event Swapped(
        bytes32 indexed deal,
        address indexed buyer,
        address indexed seller,
        address token,
        uint256 price,
        uint256 fee,
        uint256 buyerNonce,
        uint256 sellerNonce
    );

    /// @notice What was delivered, and what was billed for it.
    event Delivered(bytes32 indexed deal, bytes32 deliverable, uint256 charge);

    /// @notice `caller` ends a metered deal early: vouchers are earned until `endsAt`.
    event Noticed(bytes32 indexed deal, address caller, uint256 endsAt);

    /// @notice The buyer disputes the charge and pays `stake` in. `claim` is the digest of its reasons.
    event Disputed(bytes32 indexed deal, bytes32 claim, uint256 stake);

    /// @notice The arbiter ruled and earned the stake, if there was one; how it split charge and bond follows as `Paid`.
    event Ruled(bytes32 indexed deal);

    /// @notice Money left the deal, which is in `state` now. `released` is the total so far, `fee` included.
    event Paid(
        bytes32 indexed deal,
        State state,
        address caller,
        uint256 released,
        uint256 toSeller,
        uint256 fee,
        uint256 toBuyer
    );

    // ------------------------------------------------------------------ ERRORS
    // In the order in which `feasible` and `open` check them; each carries the values that disagree.

    /// @notice Buyer or seller is the zero address. Name both parties.
    error PartyMissing(address buyer, address seller);

    /// @notice Nobody trades with themselves.
    error PartiesEqual(address buyer, address seller);

    /// @notice There is no such rail.
    error RailUnknown(uint8 rail, uint8 last);

    /// @notice The rail would not honour this field (its place in Terms, from zero), so it must be zero.
    error FieldUnsupported(uint8 rail, uint8 field, uint256 value);

    /// @notice The rail needs this field (its place in Terms, from zero).
    error FieldMissing(uint8 rail, uint8 field);

    /// @notice Nobody is arbiter in their own cause.
    error ArbiterPartial(address arbiter);

    /// @notice There is no contract at the token's address on this chain.
    error TokenMissing(address token);

    /// @notice A deal has a price.
    error PriceTooLow(uint104 price, uint104 minimum);

    /// @notice A share is at most the whole.
    error ShareTooHigh(uint16 bps, uint16 maximum);

    /// @notice A fee needs someone to receive it.
    error FeeRecipientMissing(uint16 feeBps, address feeRecipient);

    /// @notice The fee on the whole price would be nothing: raise the price or drop the fee.
    error FeeRoundsToZero(uint104 price, uint16 feeBps);

    /// @notice The loser pays the arbiter: a seller's bond covers what the buyer has to stake for a dispute.
    error ArbiterFeeUncovered(uint104 arbiterFee, uint104 bond);

    /// @notice The terms have expired: sign new ones.
    error OpenExpired(uint40 openBy, uint256 blockTime);

    /// @notice No honest party can act within so short a window (its place in Terms, from zero).
    error WindowTooShort(uint8 field, uint32 value, uint32 minimum);

    /// @notice Money would be locked for too long (the window's place in Terms, from zero).
    error WindowTooLong(uint8 field, uint32 value, uint32 maximum);

    /// @notice The signature is not `expected`'s. `recovered` is zero when the signature is malformed.
    error WrongSigner(address expected, address recovered);

    /// @notice Terms that name a bundle open with its other members; those that name none open alone.
    error WrongBundle(bytes32 signed, bytes32 given);

    /// @notice The goods are not those that both signed.
    error WrongGoods(bytes32 signed, bytes32 given);

    /// @notice The rail has no such operation.
    error WrongRail(uint8 rail, uint8 required);

    /// @notice The deal is not in the state that the call needs; where several would do, the earliest is named.
    error WrongState(uint8 actual, uint8 required);

    /// @notice Only `required` may make this call.
    error WrongCaller(address caller, address required);

    /// @notice What is asked for was possible only before `deadline`.
    error TooLate(uint256 deadline, uint256 blockTime);

    /// @notice What is asked for is possible only from `notBefore` on.
    error TooEarly(uint256 notBefore, uint256 blockTime);

    /// @notice More than the price, the charge or the bond allows.
    error AmountTooHigh(uint256 amount, uint256 most);

    /// @notice Less than was released already, or nothing more.
    error AmountTooLow(uint256 amount, uint256 least);

    /// @notice A delivery names what was delivered.
    error DeliverableMissing(bytes32 deal);

    // ------------------------------------------------------------------ OPERATIONS

    /// @notice Opens the deal that both parties signed and takes price and bond in. Anyone may call before `openBy`.
    /// @dev A signature is tried as ECDSA first, also for an account with code (EIP-7702), then as ERC-1271.
    /// Both nonces are spent, so that a negotiation opens at most one deal.
    /// @return deal the EIP-712 digest of the terms
    function open(Opening calldata opening) external returns (bytes32 deal);

    /// @notice Opens deals that name one bundle, all of its members in their order, or none of them.
    function openBundle(Opening[] calldata openings) external returns (bytes32[] memory deals);

    /// @notice Opens many deals between one pair at once, or none: `terms`, each with four members of its own. Both
    /// signed Bulk over the struct hashes in their order (neighbours may change places), so that each of two or more can also be opened alone, with its
    /// proof.
    /// Money comes from allowances, or from the balances of bound parties.
    /// @return deals the digests, in order
    function openSeries(
        Terms calldata terms,
        Own[] calldata owns,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external returns (bytes32[] memory deals);

    /// @notice Atomic rail: price from buyer to seller and credits from seller to buyer, out of their allowances.
    function swap(
        Terms calldata terms,
        Credits calldata credits,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external returns (bytes32 deal);

    /// @notice Records the delivery, once, inside the delivery window, and bills for it. The seller calls; on the exchange
    /// rail the arbiter contract does.
    /// @param deliverable digest of what was delivered; never zero. Nothing here judges it.
    /// @param charge what the seller bills in all, at most the price; the rest returns to the buyer
    function deliver(Terms calldata terms, bytes32 deliverable, uint104 charge) external;

    /// @notice The buyer lets `amount` in all go to the seller. The whole charge (before a delivery: the whole price)
    /// ends the deal; less is a part. In a dispute the whole charge gives in: the stake is the seller's.
    function release(Terms calldata terms, uint104 amount) external;

    /// @notice The same by anyone, on a voucher: the signature of the buyer, or of the key that the terms name, over
    /// Voucher(bytes32 deal,uint104 amount). It is good for the charge at most, and in a dispute it pays without ending
    /// the deal. Metered: until the end of the grace. WARNING: elsewhere there is no grace; a refund comes before it.
    function redeem(Terms calldata terms, uint104 amount, bytes calldata voucher) external;

    /// @notice Redeems one amount in each deal of a series, on one signature over Bulk of the vouchers in this order. A
    /// deal that would not take its voucher (over, paid as much already, due to no more, too late) is passed over.
    function redeemSeries(Terms calldata terms, Own[] calldata owns, uint104 amount, bytes calldata voucher) external;

    /// @notice The seller is paid its charge once the review window has passed in silence.
    function claim(Terms calldata terms) external;

    /// @notice An undelivered deal ends: the seller may give up at any time, the buyer once the delivery window is over.
    /// What vouchers have released stays with the seller. Not on the metered rail, which closes.
    function refund(Terms calldata terms) external;

    /// @notice The buyer disputes the charge inside the review window and stakes the arbiter's fee. Escrow rail only.
    /// @param claim_ digest of its reasons; opaque here
    function dispute(Terms calldata terms, bytes32 claim_) external;

    /// @notice The arbiter rules inside its window: `charge` in all to the seller, at most what was billed and at least
    /// what vouchers have released, and `bondToSeller` of the bond; the rest goes to the buyer. On the exchange rail the arbiter contract
    /// rules inside the review window, without a dispute before.
    function resolve(Terms calldata terms, uint104 charge, uint104 bondToSeller) external;

    /// @notice Anyone ends a dispute whose arbiter was silent, by the shares that both signed. Its fee goes back.
    function expire(Terms calldata terms) external;

    /// @notice Anyone ends an open deal as both parties signed it, before `validBefore`: Settlement(bytes32 deal,uint104
    /// charge,uint104 bondToSeller,uint40 validBefore). A stake in a dispute goes back to the buyer.
    function settle(
        Terms calldata terms,
        uint104 charge,
        uint104 bondToSeller,
        uint40 validBefore,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external;

    /// @notice Metered: buyer or seller says that the deal ends `noticeWindow` from now, sooner than it would.
    function notice(Terms calldata terms) external;

    /// @notice Metered: redeems a last voucher, returns the rest and ends the deal. The seller at any time, the buyer after
    /// window and grace. An `amount` that was released already needs no voucher and closes on what was: zero always does.
    function close(Terms calldata terms, uint104 amount, bytes calldata voucher) external;

    // ------------------------------------------------------------------ VIEWS

    /// @notice The deal's name: the EIP-712 digest of the terms in the domain of the deployment. It is what both sign, unless
    /// the chain has changed its id since.
    function digest(Terms calldata terms) external view returns (bytes32);

    /// @notice Where a deal stands; state NONE when it was never opened, and for an atomic deal.
    function position(bytes32 deal) external view returns (Position memory);

    /// @notice Returns the digest if the terms could open now with two good signatures and allowances (a bundle's: with
    /// its other members), else reverts with the first error that `open` would meet. A token that does not answer as an ERC-20 reverts without a name.
    function feasible(Terms calldata terms) external view returns (bytes32);
}
