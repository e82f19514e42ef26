// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../../contracts/interfaces/IEscrow.sol";
import {Opening, State, Terms} from "../../../contracts/interfaces/Types.sol";
import {VM} from "../Cheats.sol";
import {Openings} from "../Openings.sol";
import {IMintable} from "../Stage.sol";
import {IFiatToken, PERMIT_TYPE_HASH, RECEIVE_TYPE_HASH, issueFiatToken, tokenDigest} from "./FiatToken.sol";
import {IPermitTwo, PERMIT_TWO, Witness, permitTwoDigest, placePermitTwo} from "./PermitTwo.sol";

/// @notice The ways of funding, by the byte that names them; zero stands for an empty funding.
library Way {
    uint8 internal constant ALLOWANCE = 0;
    uint8 internal constant PERMIT = 1;
    uint8 internal constant AUTHORIZATION = 2;
    uint8 internal constant WITNESS = 3;
}

/// @notice What a payer signs so that somebody else can bring its money in; the tests change a field and see it refused.
struct Funds {
    uint8 way;
    uint256 key;
    address payer;
    uint256 amount;
    address spender;
    uint256 deadline;
    bytes32 deal;
    uint256 permitNonce;
}

/// @notice ERC-3009's optional part.
interface ICancelling {
    function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s) external;
}

/// @notice Fundings as wallets make them, for either side of a deal in the stage's token.
abstract contract Fundings is Openings {
    string private constant WITNESS_TYPE =
        "Deal witness)Deal(bytes32 digest)TokenPermissions(address token,uint256 amount)";

    uint256 internal constant WEALTH = 10 * uint256(PRICE);

    uint256 internal deals;

    function setUp() public virtual override {
        super.setUp();
        placePermitTwo();
        token = issue();
        // No allowance for the escrow.
        for (uint256 i = 0; i < 2; i++) {
            address payer = i == 0 ? buyer : seller;
            token.mint(payer, WEALTH);
            VM.prank(payer);
            token.approve(address(PERMIT_TWO), type(uint256).max);
        }
    }

    function issue() internal virtual returns (IMintable);

    /// @dev Whether the token asks a payer with code (ERC-1271), as Permit2 does, or hears keys alone.
    function asksCode() internal pure virtual returns (bool);

    /// @dev What the token says to an authorisation that is not the payer's, or is used already.
    function forged() internal pure virtual returns (bytes memory);
    function used(address payer, bytes32 nonce) internal pure virtual returns (bytes memory);

    function fundsOf(Terms memory terms, uint8 way, bool ofBuyer) internal view returns (Funds memory) {
        (uint256 key, address payer) = ofBuyer ? (BUYER_KEY, terms.buyer) : (SELLER_KEY, terms.seller);
        uint256 amount = ofBuyer ? terms.price : terms.bond;
        // Only a permit has a place in a row; many tokens know none.
        uint256 permitNonce = way == Way.PERMIT ? IFiatToken(address(token)).nonces(payer) : 0;
        return Funds(way, key, payer, amount, address(escrow), terms.openBy, escrow.digest(terms), permitNonce);
    }

    function fundingOf(Terms memory terms, uint8 way, bool ofBuyer) internal view returns (bytes memory) {
        return encode(fundsOf(terms, way, ofBuyer));
    }

    /// @dev Both parties' signatures, and their fundings by one way.
    function funded(Terms memory terms, uint8 way) internal view returns (Opening memory opening) {
        opening = signed(terms);
        opening.buyerFunding = fundingOf(terms, way, true);
        opening.sellerFunding = fundingOf(terms, way, false);
    }

    function replace(Opening memory opening, bool ofBuyer, bytes memory funding) internal pure {
        if (ofBuyer) opening.buyerFunding = funding;
        else opening.sellerFunding = funding;
    }

    /// @dev One field of what is signed is another: key, amount, spender, deadline, deal.
    function misstate(Funds memory funds, uint256 field) internal view {
        if (field == 0) funds.key = VOUCHER_KEY;
        else if (field == 1) funds.amount--;
        else if (field == 2) funds.spender = stranger;
        else if (field == 3) funds.deadline++;
        else (funds.deal, funds.permitNonce) = (keccak256("another deal"), funds.permitNonce + 1);
    }

    function encode(Funds memory funds) internal view returns (bytes memory) {
        if (funds.way == Way.ALLOWANCE) return "";
        return abi.encodePacked(funds.way, sign(funds.key, _digest(funds)));
    }

    function another() internal returns (Terms memory terms) {
        terms = offer();
        terms.openBy += uint40(600 * deals);
        deals++;
        (terms.buyerNonce, terms.sellerNonce) = (deals, deals);
    }

    function openFunded(Opening memory opening) internal {
        VM.prank(stranger);
        assertState(escrow.open(opening), State.FUNDED);
    }

    function refuseFunded(Opening memory opening, bytes memory reason) internal {
        refuse(stranger, abi.encodeCall(IEscrow.open, (opening)), reason);
    }

    /// @dev Anybody hands a permit in, before the escrow does.
    function handIn(bytes memory funding, address payer, uint256 amount, uint256 deadline) internal {
        (uint8 v, bytes32 r, bytes32 s) = parts(funding);
        IFiatToken(address(token)).permit(payer, address(escrow), amount, deadline, v, r, s);
        VM.assertEq(token.allowance(payer, address(escrow)), amount);
    }

    function parts(bytes memory funding) internal pure returns (uint8 v, bytes32 r, bytes32 s) {
        assembly ("memory-safe") {
            r := mload(add(funding, 0x21))
            s := mload(add(funding, 0x41))
            v := byte(0, mload(add(funding, 0x61)))
        }
    }

    /// @dev ERC-2098: the parity moves into the top bit of s.
    function compact(bytes memory funding) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = parts(funding);
        return abi.encodePacked(funding[0], r, uint256(s) | uint256(v - 27) << 255);
    }

    function _digest(Funds memory funds) private view returns (bytes32) {
        if (funds.way == Way.WITNESS) return _permitTwo(funds);
        bytes32 structHash = funds.way == Way.PERMIT
            ? keccak256(
                abi.encode(
                    PERMIT_TYPE_HASH, funds.payer, funds.spender, funds.amount, funds.permitNonce, funds.deadline
                )
            )
            : keccak256(
                    abi.encode(
                        RECEIVE_TYPE_HASH, funds.payer, funds.spender, funds.amount, 0, funds.deadline, funds.deal
                    )
                );
        return tokenDigest(IFiatToken(address(token)), structHash);
    }

    function _permitTwo(Funds memory funds) private view returns (bytes32) {
        bytes32 witness = keccak256(abi.encode(keccak256("Deal(bytes32 digest)"), funds.deal));
        return permitTwoDigest(
            IPermitTwo.PermitTransferFrom(
                IPermitTwo.TokenPermissions(address(token), funds.amount), uint256(funds.deal), funds.deadline
            ),
            funds.spender,
            Witness(witness, WITNESS_TYPE)
        );
    }
}

/// @notice In the token of development chains, which hears keys alone.
abstract contract CreditFundings is Fundings {
    function asksCode() internal pure override returns (bool) {
        return false;
    }

    function issue() internal override returns (IMintable) {
        return IMintable(VM.deployCode("CreditToken.sol:CreditToken", abi.encode(address(this))));
    }

    function forged() internal pure override returns (bytes memory) {
        return abi.encodeWithSignature("ERC3009InvalidSignature()");
    }

    function used(address payer, bytes32 nonce) internal pure override returns (bytes memory) {
        return abi.encodeWithSignature("ERC3009UsedAuthorization(address,bytes32)", payer, nonce);
    }
}

/// @notice In USDC, which asks a payer with code.
abstract contract FiatFundings is Fundings {
    function asksCode() internal pure override returns (bool) {
        return true;
    }

    function issue() internal override returns (IMintable) {
        return IMintable(address(issueFiatToken(address(this))));
    }

    function forged() internal pure override returns (bytes memory) {
        return abi.encodeWithSignature("Error(string)", "FiatTokenV2: invalid signature");
    }

    function used(address, bytes32) internal pure override returns (bytes memory) {
        return abi.encodeWithSignature("Error(string)", "FiatTokenV2: authorization is used or canceled");
    }
}
