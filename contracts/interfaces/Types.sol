// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice How a deal settles; `Terms.rail` is one of these.
library Rail {
    uint8 internal constant ESCROW = 0; // deliver, review, release or claim; disputes go to the arbiter
    uint8 internal constant ATOMIC = 1; // tokenised credits against payment, in one transaction
    uint8 internal constant METERED = 2; // vouchers as the work proceeds; nothing to deliver, nothing to claim
    uint8 internal constant EXCHANGE = 3; // data against money: only the arbiter contract delivers, on the right key
}

/// @notice What buyer and seller both sign. Flat on purpose: wallets and libraries disagree on nested arrays.
/// Amounts are base units of `token`, instants are Unix seconds, windows are seconds. A field that the rail has no use
/// for is zero.
struct Terms {
    // What every deal has.
    address buyer; // pays the price; zero only in what the seller of an open offer signs
    address seller; // delivers, and stakes the bond
    address token; // an ERC-20 that moves exactly what it is told; rebasing tokens are out
    uint104 price; // the most that the seller can be paid
    uint16 feeBps; // ten-thousandths of what the seller is paid
    address feeRecipient; // who receives the fee; nobody can take out what the escrow itself received
    uint8 rail; // a Rail
    uint40 openBy; // the deal opens before this instant or never
    bytes32 subject; // digest of the full outcome; opaque here
    bytes32 previous; // digest of the message these terms answer; opaque here
    uint256 buyerNonce; // spent by opening
    uint256 sellerNonce; // spent by opening
    uint256 buyerEpoch; // the buyer's epoch when it signed
    uint256 sellerEpoch; // the seller's epoch when it signed
    // What the rail has a use for.
    uint104 bond; // the seller's stake; without an arbiter only a settlement can take it away
    uint32 deliveryWindow; // counted from opening; metered: in which vouchers are earned
    uint32 reviewWindow; // counted from delivery; metered: the grace in which the last voucher is redeemed
    uint32 noticeWindow; // metered: how long before it ends either side has to say so; zero: no early end
    address voucherSigner; // signs vouchers in the buyer's place; zero: the buyer does
    address arbiter; // may rule in a dispute; zero: no disputes
    uint104 arbiterFee; // staked by the buyer who disputes, earned by an arbiter that rules; at most the bond
    uint32 arbitrationWindow; // counted from the dispute
    uint16 defaultSellerBps; // the seller's ten-thousandths of charge and bond if the arbiter is silent
    bytes32 goods; // atomic: struct hash of Credits; exchange: what the arbiter contract is to judge
    bytes32 bundle; // keccak256 of the members' struct hashes, taken with bundle = 0; zero: opens alone
}

/// @notice What one deal of a series has of its own: four members of Terms, in their order.
struct Own {
    bytes32 subject;
    bytes32 previous;
    uint256 buyerNonce;
    uint256 sellerNonce;
}

/// @notice The credits that an atomic deal moves from seller to buyer.
struct Credits {
    address token; // ERC-20, or ERC-1155
    bool multi; // whether it is ERC-1155
    uint256 id; // ERC-1155's id; zero for ERC-20
    uint256 amount;
}

/// @notice Where a deal stands. RELEASED, REFUNDED, RESOLVED and SETTLED are final.
enum State {
    NONE,
    FUNDED,
    NOTICED, // metered: one side has given notice
    DELIVERED,
    DISPUTED,
    RELEASED,
    REFUNDED,
    RESOLVED,
    SETTLED
}

/// @notice All that is stored of a deal, in one slot; the terms come in calldata with each call.
struct Position {
    State state;
    uint32 since; // block time at which the state began (until 2106): deadlines count from here
    uint8 inside; // bit 0: the buyer's money, bit 1: the seller's, comes from and returns to its balance here; a
    // stake that the balance did not cover came from the wallet, and returns to the balance too
    uint104 charge; // what the seller billed when it delivered
    uint104 released; // what was released to the seller, its fee included
}

/// @notice Everything that opens one deal.
/// A signature is 65 bytes r, s, v, 64 bytes r, vs (ERC-2098), or whatever the signer's wallet accepts (ERC-1271); one
/// over many terms is followed by its proof, see Consent. A funding is empty where the token's allowance pays, else
/// one byte that names the way and what that way needs, see Funding.
struct Opening {
    Terms terms;
    bytes buyerSignature;
    bytes sellerSignature;
    bytes buyerFunding;
    bytes sellerFunding;
}
