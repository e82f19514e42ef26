// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Tokens} from "./Tokens.sol";

/// @notice ERC-3009, the part that is used here.
interface IReceiveWithAuthorization {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;
}

/// @notice Permit2, the part that is used here.
interface IPermit2 {
    struct TokenPermissions {
        address token;
        uint256 amount;
    }

    struct PermitTransferFrom {
        TokenPermissions permitted;
        uint256 nonce;
        uint256 deadline;
    }

    struct SignatureTransferDetails {
        address to;
        uint256 requestedAmount;
    }

    function permitWitnessTransferFrom(
        PermitTransferFrom calldata permit,
        SignatureTransferDetails calldata transferDetails,
        address owner,
        bytes32 witness,
        string calldata witnessTypeString,
        bytes calldata signature
    ) external;
}

/// @title Taking a party's money in, so that it needs no native coin of its own
/// @notice A funding is one byte for the way, and the payer's signature over the amount, good until `openBy`. The last two
/// name the deal, so that they can pay for nothing else: a relayer has no choice of what the money is for.
///
///     empty    the allowance that the token knows
///     1        ERC-2612 permit, deadline openBy; then the allowance, also where somebody else used the permit first (of
///              two permits, the later sets the allowance alone: for deals side by side use 2 or 3)
///     2        ERC-3009 receiveWithAuthorization, validAfter 0, validBefore openBy, nonce = the deal's digest
///     3        Permit2 permitWitnessTransferFrom, nonce = the deal's digest, deadline openBy, witness Deal(bytes32 digest)
library Funding {
    IPermit2 internal constant PERMIT2 = IPermit2(0x000000000022D473030F116dDEE9F6B43aC78BA3);
    bytes32 internal constant WITNESS_TYPE_HASH = keccak256("Deal(bytes32 digest)");
    string internal constant WITNESS_TYPE =
        "Deal witness)Deal(bytes32 digest)TokenPermissions(address token,uint256 amount)";

    uint8 internal constant PERMIT = 1;
    uint8 internal constant AUTHORIZATION = 2;
    uint8 internal constant WITNESS = 3;

    /// @notice No way of funding has this number.
    error FundingUnknown(uint8 way, uint8 last);

    struct Payment {
        address token;
        address from;
        uint256 amount;
        uint256 openBy;
        bytes32 deal;
    }

    /// @param funding not empty: an allowance alone needs nothing of this
    function take(Payment memory payment, bytes calldata funding) internal {
        uint8 way = uint8(funding[0]);
        if (way < PERMIT || way > WITNESS) revert FundingUnknown(way, WITNESS);
        if (way == PERMIT) {
            _permit(payment, funding[1:]);
            return Tokens.move(payment.token, payment.from, address(this), payment.amount);
        }

        uint256 before = IERC20(payment.token).balanceOf(address(this));
        if (way == AUTHORIZATION) _authorize(payment, funding[1:]);
        else _witness(payment, funding[1:]);
        Tokens.checkReceived(payment.token, IERC20(payment.token).balanceOf(address(this)), before, payment.amount);
    }

    /// @dev Whoever sees a permit may hand it in first; then the allowance is there all the same.
    function _permit(Payment memory payment, bytes calldata signature) private {
        (uint8 v, bytes32 r, bytes32 s) = ECDSA.parseCalldata(signature);
        try IERC20Permit(payment.token).permit(payment.from, address(this), payment.amount, payment.openBy, v, r, s) {}
            catch {}
    }

    function _authorize(Payment memory payment, bytes calldata signature) private {
        (uint8 v, bytes32 r, bytes32 s) = ECDSA.parseCalldata(signature);
        IReceiveWithAuthorization(payment.token)
            .receiveWithAuthorization(
                payment.from, address(this), payment.amount, 0, payment.openBy, payment.deal, v, r, s
            );
    }

    function _witness(Payment memory payment, bytes calldata signature) private {
        PERMIT2.permitWitnessTransferFrom(
            IPermit2.PermitTransferFrom(
                IPermit2.TokenPermissions(payment.token, payment.amount), uint256(payment.deal), payment.openBy
            ),
            IPermit2.SignatureTransferDetails(address(this), payment.amount),
            payment.from,
            keccak256(abi.encode(WITNESS_TYPE_HASH, payment.deal)),
            WITNESS_TYPE,
            signature
        );
    }
}
