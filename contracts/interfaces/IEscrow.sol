// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What buyer and seller both sign. Flat on purpose: wallets and libraries disagree on nested arrays.
/// Amounts are base units of `token`, instants are Unix seconds, windows are seconds.
struct Terms {
    address buyer; // pays the price
    address seller; // delivers, and stakes the bond
    address arbiter; // not in this version: zero
    address token; // an ERC-20 that moves exactly what it is told; rebasing tokens are out
    uint128 price; // the most that the seller can bill
    uint128 bond; // the seller's stake; may be zero
    uint16 feeBps; // ten-thousandths of the charge
    address feeRecipient; // who receives the fee
    uint128 arbiterFee; // not in this version: zero
    uint8 rail; // how the deal settles; 0 is escrow
    uint40 openBy; // the deal opens before this instant or never
    uint32 deliveryWindow; // counted from opening
    uint32 reviewWindow; // counted from delivery
    uint32 arbitrationWindow; // not in this version: zero
    uint16 defaultSellerBps; // not in this version: zero
    bytes32 subject; // digest of the full outcome; opaque here
    bytes32 previous; // digest of the message these terms answer; opaque here
    uint256 buyerNonce; // spent by opening
    uint256 sellerNonce; // spent by opening
    uint256 buyerEpoch; // the buyer's epoch when it signed
    uint256 sellerEpoch; // the seller's epoch when it signed
    address voucherSigner; // not in this version: zero
    bytes32 bundle; // not in this version: zero
}

/// @notice Where a deal stands. RELEASED and REFUNDED are final.
enum State {
    NONE,
    FUNDED,
    DELIVERED,
    RELEASED,
    REFUNDED
}

/// @notice All that is stored of a deal, in one slot; the terms come in calldata with each call.
struct Position {
    State state;
    uint40 openedAt; // block time of open
    uint40 deliveredAt; // block time of deliver; zero before, and when released undelivered
    uint128 charge; // what the seller billed; the whole price when released undelivered
}

/// @title Escrow of one price and one bond for a deal that both parties signed
/// @notice A deal's name is the EIP-712 digest of its terms (domain "Parley", version "1").
/// Deadlines are half-open: a thing is allowed while now < deadline, and the other side's right begins
/// at now >= deadline. There is no owner, no proxy, no pause and no native coin.
/// WARNING: the token is the parties' choice. A hostile token can lock or lose the money of the deals that
/// named it, and of no other.
/// WARNING: an ERC-1271 answer can change between two blocks; only `open` asks for it.
interface IEscrow {
    // ------------------------------------------------------------------ EVENTS

    /// @notice Both signatures held, price and bond are in.
    event Opened(
        bytes32 indexed deal, address indexed buyer, address indexed seller, address token, uint128 price, uint128 bond
    );

    /// @notice The seller recorded what it delivered and billed `charge`.
    event Delivered(bytes32 indexed deal, bytes32 deliverable, uint128 charge);

    /// @notice The deal was paid: `caller` is the buyer (release) or the seller (claim).
    /// @param toSeller charge - fee + bond. Wider than the rest, because the sum of two uint128 must not trap money.
    event Released(bytes32 indexed deal, address indexed caller, uint256 toSeller, uint128 fee, uint128 toBuyer);

    /// @notice The price went back to the buyer and the bond to the seller; `caller` is one of them.
    event Refunded(bytes32 indexed deal, address indexed caller);

    /// @notice `account` spent a nonce of its own without opening a deal.
    event NonceCancelled(address indexed account, uint256 nonce);

    /// @notice Everything that `account` signed under an earlier epoch can no longer open.
    event EpochChanged(address indexed account, uint256 epoch);

    /// @notice A push failed; `account` can withdraw `amount`.
    event Credited(address indexed token, address indexed account, uint256 amount);

    /// @notice `account` sent its whole credit to `to`.
    event Withdrawn(address indexed token, address indexed account, address to, uint256 amount);

    // ------------------------------------------------------------------ ERRORS
    // In the order in which `feasible` and `open` check them; each carries the two values that disagree.

    /// @notice Buyer or seller is the zero address. Name both parties.
    error PartyMissing(address buyer, address seller);

    /// @notice Nobody trades with themselves.
    error PartiesEqual(address buyer, address seller);

    /// @notice This escrow settles one rail only.
    error RailUnsupported(uint8 rail, uint8 supported);

    /// @notice Nothing here would honour this field, so it must be zero.
    error FieldUnsupported(string field, uint256 value);

    /// @notice There is no contract at the token's address on this chain.
    error TokenMissing(address token);

    /// @notice A deal has a price.
    error PriceTooLow(uint128 price, uint128 minimum);

    /// @notice The fee is at most the whole charge.
    error FeeTooHigh(uint16 feeBps, uint16 maximum);

    /// @notice A fee needs someone to receive it.
    error FeeRecipientMissing(uint16 feeBps, address feeRecipient);

    /// @notice The fee on the whole price would be nothing: raise the price or drop the fee.
    error FeeRoundsToZero(uint128 price, uint16 feeBps);

    /// @notice The terms have expired: sign new ones.
    error OpenExpired(uint40 openBy, uint256 blockTime);

    /// @notice No honest party can act within so short a window.
    error WindowTooShort(string window, uint32 value, uint32 minimum);

    /// @notice Money would be locked for too long.
    error WindowTooLong(string window, uint32 value, uint32 maximum);

    /// @notice `signer` has moved its epoch since it signed: ask it for a new signature.
    error EpochStale(address signer, uint256 signed, uint256 current);

    /// @notice The nonce has opened another deal or was cancelled.
    error NonceSpent(address signer, uint256 nonce);

    /// @notice The signature is not `expected`'s. `recovered` is zero when the signature is malformed.
    error WrongSigner(address expected, address recovered);

    /// @notice `account` does not hold what it has to pay in.
    error FundsShort(address account, uint256 held, uint256 needed);

    /// @notice `account` has not approved this escrow for what it has to pay in.
    error AllowanceShort(address account, uint256 allowed, uint256 needed);

    /// @notice The token moved another amount than it was told (a fee on transfer, for one).
    error PullShort(address token, uint256 expected, uint256 received);

    /// @notice The deal is not in the state that the call needs; where two states would do, the earlier is named.
    error WrongState(uint8 actual, uint8 required);

    /// @notice Only `required` may make this call.
    error WrongCaller(address caller, address required);

    /// @notice The delivery window is over.
    error DeliveryLate(uint256 deadline, uint256 blockTime);

    /// @notice The buyer's refund begins when the delivery window is over.
    error RefundEarly(uint256 notBefore, uint256 blockTime);

    /// @notice The seller's claim begins when the review window is over.
    error ClaimEarly(uint256 notBefore, uint256 blockTime);

    /// @notice The seller can bill at most the price.
    error ChargeTooHigh(uint128 charge, uint128 price);

    /// @notice A delivery names what was delivered.
    error DeliverableMissing(bytes32 deal);

    /// @notice There is nothing to withdraw.
    error CreditMissing(address token, address account);

    // ------------------------------------------------------------------ OPERATIONS

    /// @notice Opens the deal that both parties signed and pulls price and bond. Anyone may call before `openBy`.
    /// @dev A signature is tried as ECDSA first, also for an account with code (EIP-7702), then as ERC-1271.
    /// Both nonces are spent, so that a negotiation opens at most one deal.
    /// @param terms what both signed
    /// @param buyerSignature 65 bytes r, s, v with low s and v 27 or 28 (EIP-2), or whatever the buyer's wallet accepts
    /// @param sellerSignature the same of the seller
    /// @return deal the EIP-712 digest of the terms
    function open(Terms calldata terms, bytes calldata buyerSignature, bytes calldata sellerSignature)
        external
        returns (bytes32 deal);

    /// @notice The seller records its delivery, once, inside the delivery window, and bills for it.
    /// @param deliverable digest of what was delivered; never zero. Nothing on-chain judges it.
    /// @param charge what the seller bills, at most the price; the rest returns to the buyer
    function deliver(Terms calldata terms, bytes32 deliverable, uint128 charge) external;

    /// @notice The buyer pays: the charge once delivered, the whole price before that.
    function release(Terms calldata terms) external;

    /// @notice The seller is paid its charge once the review window has passed in silence.
    function claim(Terms calldata terms) external;

    /// @notice An undelivered deal ends: the seller may give up at any time, the buyer once the delivery window is over.
    function refund(Terms calldata terms) external;

    /// @notice Spends one of the caller's own nonces: no terms that carry it can open any more.
    function cancel(uint256 nonce) external;

    /// @notice Moves the caller's epoch by an unforeseeable step: nothing signed before can open, and nothing could
    /// be signed ahead of it. Deals already open are not touched.
    function cancelAll() external;

    /// @notice Sends the caller's whole credit in `token` to `to`.
    function withdraw(address token, address to) external;

    // ------------------------------------------------------------------ VIEWS

    /// @notice The EIP-712 digest of the terms: what both sign, and the deal's name.
    function digest(Terms calldata terms) external view returns (bytes32);

    /// @notice Where a deal stands; state NONE when it was never opened.
    function position(bytes32 deal) external view returns (Position memory);

    /// @notice Whether the nonce has opened a deal or was cancelled.
    function nonceSpent(address account, uint256 nonce) external view returns (bool);

    /// @notice The epoch under which `account` has to sign now.
    function epoch(address account) external view returns (uint256);

    /// @notice What `account` can withdraw.
    function credit(address token, address account) external view returns (uint256);

    /// @notice Returns the digest if the terms could open now with two good signatures, else reverts with the first
    /// error that `open` would meet. A token that does not answer as an ERC-20 reverts without a name.
    function feasible(Terms calldata terms) external view returns (bytes32);
}
