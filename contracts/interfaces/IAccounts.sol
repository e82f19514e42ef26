// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the escrow keeps of an account: its nonces, its epoch, its balances, and whether it is bound
/// @notice An account that deposits is *bound*: its deals are paid from its balance here and pay into it, and it can
/// neither withdraw, nor cancel, nor move its epoch until NOTICE after it has announced that it leaves. Who relies on it
/// looks at its balance, and that its terms' `openBy` comes before it could leave.
/// WARNING: being bound reserves nothing. The owner can spend balance or nonce on another deal meanwhile, with a partner
/// of its own too; and a wallet that answers by ERC-1271 can change its answer. Only an opening reserves.
/// WARNING: a deposit in any token binds the account for all: its offers that a wallet was to pay need a balance then.
interface IAccounts {
    // ------------------------------------------------------------------ EVENTS

    /// @notice `account` spent a nonce of its own without opening a deal.
    event NonceCancelled(address indexed account, uint256 nonce);

    /// @notice Everything that `account` signed under an earlier epoch can no longer open.
    event EpochChanged(address indexed account, uint256 epoch);

    /// @notice `account` is bound until `leavesAt`, or until further notice where that is zero.
    event Bound(address indexed account, uint256 leavesAt);

    /// @notice `amount` was added to the account's balance: a deposit, a payout of a bound party, or a push that failed.
    event Credited(address indexed token, address indexed account, uint256 amount);

    /// @notice `amount` was taken from the account's balance, for a deal or by a withdrawal.
    event Debited(address indexed token, address indexed account, uint256 amount);

    // ------------------------------------------------------------------ ERRORS

    /// @notice `signer` has moved its epoch since it signed: ask it for a new signature.
    error EpochStale(address signer, uint256 signed, uint256 current);

    /// @notice The nonce has opened another deal or was cancelled.
    error NonceSpent(address signer, uint256 nonce);

    /// @notice A bound account has to announce first and wait until `leavesAt`; zero: it has not announced.
    error AccountBound(address account, uint256 leavesAt, uint256 blockTime);

    /// @notice Only a bound account can announce that it leaves.
    error AccountUnbound(address account);

    /// @notice The account's balance is less than what is asked of it.
    error BalanceShort(address account, uint256 held, uint256 needed);

    /// @notice `account` does not hold what it has to pay in.
    error FundsShort(address account, uint256 held, uint256 needed);

    /// @notice `account` has not approved this escrow for what it has to pay in.
    error AllowanceShort(address account, uint256 allowed, uint256 needed);

    /// @notice The token refused to move `amount` from `account`, though it holds and has approved as much.
    error PullRefused(address token, address account, uint256 amount);

    /// @notice The token moved another amount than it was told (a fee on transfer, for one).
    error PullShort(address token, uint256 expected, uint256 received);

    /// @notice A withdrawal that the token refuses to pay out, or that names the escrow itself as its receiver.
    error PushRefused(address token, address to, uint256 amount);

    /// @notice Too little gas is left to give a transfer its whole allotment: send more.
    error GasShort(uint256 left, uint256 needed);

    // ------------------------------------------------------------------ OPERATIONS

    /// @notice Spends one of the caller's own nonces: no terms that carry it can open any more. Not while it is bound.
    function cancel(uint256 nonce) external;

    /// @notice Moves the caller's epoch by an unforeseeable step: nothing signed before can open, and nothing could
    /// be signed ahead of it. Deals already open are not touched. Not while it is bound.
    function cancelAll() external;

    /// @notice Adds `amount` of the caller's tokens to its balance, and binds it until further notice. An amount of zero
    /// binds too, and asks the token nothing.
    function deposit(address token, uint256 amount) external;

    /// @notice The caller announces that it leaves: it is bound for NOTICE more. A new deposit takes it back.
    function announce() external;

    /// @notice Sends `amount` of the caller's balance in `token` to `to`, with all the gas that the call has: a transfer that
    /// takes more than the allotment of a payout comes out here. Not while it is bound.
    function withdraw(address token, address to, uint256 amount) external;

    // ------------------------------------------------------------------ VIEWS

    /// @notice How long a bound account stays bound after it has announced that it leaves, in seconds.
    // In capitals, for it is a constant.
    // slither-disable-next-line naming-convention
    function NOTICE() external view returns (uint256);

    /// @notice Whether the nonce has opened a deal or was cancelled.
    function nonceSpent(address account, uint256 nonce) external view returns (bool);

    /// @notice The epoch under which `account` has to sign now.
    function epoch(address account) external view returns (uint256);

    /// @notice Whether the account is bound now, and from when on it is not (zero: it has not announced).
    function bound(address account) external view returns (bool isBound, uint256 leavesAt);

    /// @notice What the escrow holds for `account` outside its deals.
    function balance(address token, address account) external view returns (uint256);
}
