// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, Terms} from "../../contracts/interfaces/Types.sol";
import {SmartWallet} from "../../contracts/mocks/SmartWallet.sol";
import {PhantomToken} from "../../contracts/mocks/tokens/PhantomToken.sol";
import {GarbledWallet} from "../../contracts/mocks/wallets/GarbledWallet.sol";
import {VM} from "./Cheats.sol";
import {FOREIGN_VM} from "./foreign/ForeignCheats.sol";
import {CreditFundings, FiatFundings, Fundings, Way} from "./foreign/Fundings.sol";
import {PERMIT_TWO} from "./foreign/PermitTwo.sol";
import {Openings} from "./Openings.sol";
import {IMintable} from "./Stage.sol";

/// @notice Payers with code, who open with their word or their key: which way of funding hears which.
abstract contract FundingByCodeTest is Fundings {
    function test_a_wallet_with_code_funds_by_a_witness_in_its_own_words() public {
        Terms memory terms = offer();
        terms.buyer = walletWithWealth(address(new SmartWallet(buyer)));
        openFunded(funded(terms, Way.WITNESS));
        assertHeld(terms.buyer, WEALTH - PRICE);
        assertHeld(seller, WEALTH - BOND);
    }

    function test_a_wallet_with_code_authorizes_where_the_token_asks_it() public {
        Terms memory terms = offer();
        terms.buyer = walletWithWealth(address(new SmartWallet(buyer)));
        Opening memory opening = funded(terms, Way.AUTHORIZATION);
        if (asksCode()) openFunded(opening);
        else refuseFunded(opening, forged());
    }

    function test_a_delegated_account_with_mute_code_opens_by_its_key_and_funds_only_where_the_key_is_heard() public {
        FOREIGN_VM.signAndAttachDelegation(address(new GarbledWallet("")), BUYER_KEY);
        Opening memory opening = funded(offer(), Way.WITNESS);
        opening.sellerFunding = fundingOf(opening.terms, Way.AUTHORIZATION, false);
        VM.prank(stranger);
        (bool done,) = address(escrow).call(abi.encodeCall(IEscrow.open, (opening)));
        VM.assertFalse(done);
        opening.buyerFunding = fundingOf(opening.terms, Way.PERMIT, true);
        if (asksCode()) refuseFunded(opening, allowanceShort(buyer, 0, PRICE));
        opening.buyerFunding = fundingOf(opening.terms, Way.AUTHORIZATION, true);
        if (asksCode()) refuseFunded(opening, forged());
        else openFunded(opening);
    }

    function walletWithWealth(address wallet) private returns (address) {
        token.mint(wallet, WEALTH);
        VM.prank(wallet);
        token.approve(address(PERMIT_TWO), PRICE);
        return wallet;
    }
}

contract CreditTokenFundingByCodeTest is FundingByCodeTest, CreditFundings {}

contract FiatTokenFundingByCodeTest is FundingByCodeTest, FiatFundings {}

/// @notice A token that takes every call in silence funds nothing by its silence.
contract PhantomFundingTest is Openings {
    function test_a_permit_or_an_authorization_that_the_token_does_not_know_is_refused() public {
        token = IMintable(address(new PhantomToken()));
        token.mint(buyer, PRICE);
        Opening memory opening = signed(offer());
        opening.buyerFunding = abi.encodePacked(Way.PERMIT, new bytes(65));
        bytes memory call = abi.encodeCall(IEscrow.open, (opening));
        refuse(stranger, call, allowanceShort(buyer, 0, PRICE));
        opening.buyerFunding = abi.encodePacked(Way.AUTHORIZATION, new bytes(65));
        call = abi.encodeCall(IEscrow.open, (opening));
        refuse(stranger, call, pullShort(address(token), PRICE, 0));
    }
}
